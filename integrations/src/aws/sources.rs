//! Fetches AWS credentials from where a machine or container has them.
//!
//! What holds: an instance's metadata are asked by their second version alone (IMDSv2); a container's address is
//! asked only where AWS's SDKs would (https, this machine, ECS's and EKS's own addresses); a token goes
//! nowhere else; where a source is set up and broken, that is said instead of trying the next. Facts:
//! docs.aws.amazon.com, AWS SDKs and Tools Reference Guide ("Container credential provider", "IMDS credential
//! provider", "Assume role credential provider") and the STS API Reference (AssumeRoleWithWebIdentity).

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::credentials::{Credentials, Environment, Source};
use super::endpoint;
use crate::clock::SharedClock;
use crate::http::api::{Api, Auth, Called, Failure, Refused, Reply};
use crate::secret::Secret;

/// ECS's address, and EKS's, for containers.
const CONTAINERS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// The instance's metadata.
const METADATA: &str = "http://169.254.169.254";

/// Where an instance's role and its credentials are.
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// What is needed to fetch.
pub(super) struct Fetch {
    pub(super) region: String,
    pub(super) environment: Environment,
    pub(super) http: reqwest::Client,
    pub(super) clock: SharedClock,
}

/// The answer of a container's or an instance's address.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<Timestamp>,
}

impl Given {
    fn read(reply: &Reply, who: &str) -> Called<Credentials> {
        // Not `Reply::json`: here an answer that can't be read has done nothing.
        let given: Given = serde_json::from_slice(&reply.body)
            .map_err(|_| Failure::transient(format!("{who} answered with something that is no credentials")))?;
        Ok(Credentials {
            access_key_id: given.access_key_id,
            secret_access_key: Secret::new(&given.secret_access_key),
            session_token: given.token.map(|token| Secret::new(&token)),
            ends: given.expiration,
        })
    }
}

impl Fetch {
    pub(super) async fn fetch(&self, source: &Source) -> Called<Credentials> {
        match source {
            Source::Keys(credentials) => Ok(credentials.clone()),
            Source::Environment => {
                self.of_environment()?.ok_or_else(|| none("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set"))
            }
            Source::WebIdentity => self
                .of_web_identity()
                .await?
                .ok_or_else(|| none("AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set")),
            Source::Container => self
                .of_container()
                .await?
                .ok_or_else(|| none("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and …_FULL_URI are not set")),
            Source::Instance => {
                self.of_instance().await?.ok_or_else(|| none("AWS_EC2_METADATA_DISABLED says not to ask the instance"))
            }
            Source::Default => {
                if let Some(credentials) = self.of_environment()? {
                    return Ok(credentials);
                }
                if let Some(credentials) = self.of_web_identity().await? {
                    return Ok(credentials);
                }
                if let Some(credentials) = self.of_container().await? {
                    return Ok(credentials);
                }
                let instance = self.of_instance().await?;
                instance
                    .ok_or_else(|| none("neither the environment nor a container has any, and no instance is asked"))
            }
        }
    }

    /// A variable; an empty one is none.
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn of_environment(&self) -> Called<Option<Credentials>> {
        match (self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY")) {
            (None, None) => Ok(None),
            (Some(id), Some(secret)) => Ok(Some(Credentials {
                access_key_id: id,
                secret_access_key: Secret::new(&secret),
                session_token: self.variable("AWS_SESSION_TOKEN").map(|token| Secret::new(&token)),
                ends: None,
            })),
            (Some(_), None) => Err(none("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")),
            (None, Some(_)) => Err(none("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not")),
        }
    }

    async fn of_web_identity(&self) -> Called<Option<Credentials>> {
        let Some(file) = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let Some(role) = self.variable("AWS_ROLE_ARN") else {
            return Err(none("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"));
        };
        let session = self.variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "muster".to_owned());
        // Read each time: Kubernetes puts a new one there before the old one ends.
        let token = read_file("AWS_WEB_IDENTITY_TOKEN_FILE", &file).await?;
        let address = self.variable("AWS_ENDPOINT_URL_STS").unwrap_or_else(|| endpoint("sts", &self.region));
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &role),
            ("RoleSessionName", &session),
            ("WebIdentityToken", token.expose()),
        ];
        let reply =
            self.api("STS", &address)?.post(&[]).form(&form).secret(token.clone()).harmless().exchange().await?;
        let body = String::from_utf8_lossy(&reply.body);
        if !(200..300).contains(&reply.status) {
            let code = element(&body, "Code").filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let why = format!("STS does not give the role: {} (status {})", code.unwrap_or("no word"), reply.status);
            return Err(match code {
                // The identity provider could not be asked: "retry the request" (STS API Reference).
                Some("IDPCommunicationError" | "Throttling") => Failure::transient(why),
                _ => Failure::refused(Refused::Token, why),
            });
        }
        let given = (|| {
            let credentials = element(&body, "Credentials")?;
            Some(Credentials {
                access_key_id: element(credentials, "AccessKeyId")?.to_owned(),
                secret_access_key: Secret::new(element(credentials, "SecretAccessKey")?),
                session_token: Some(Secret::new(element(credentials, "SessionToken")?)),
                ends: Some(element(credentials, "Expiration")?.parse().ok()?),
            })
        })();
        given.map(Some).ok_or_else(|| Failure::transient("STS answered with something that is no credentials"))
    }

    async fn of_container(&self) -> Called<Option<Credentials>> {
        let relative = self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let full = self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let Some(address) = container_address(relative.as_deref(), full.as_deref()).map_err(|why| none(&why))? else {
            return Ok(None);
        };
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Some(read_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file).await?),
            None => self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| Secret::new(&token)),
        };
        let auth = token.map_or(Auth::None, |token| Auth::Header(AUTHORIZATION, token));
        let who = "the container's credentials";
        let api = Api::new(who, &address.origin().ascii_serialization(), auth, self.http.clone(), self.clock.clone())
            .map_err(|why| none(&why))?;
        let reply = api.told(Method::GET, address.as_str()).send().await.map_err(as_token)?;
        Given::read(&reply, who).map(Some)
    }

    async fn of_instance(&self) -> Called<Option<Credentials>> {
        if self.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let who = "the instance's metadata";
        let address = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| METADATA.to_owned());
        let api = self.api(who, &address)?;
        let seconds = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
        let token = api
            .call(Method::PUT, &["latest", "api", "token"])
            .header(seconds, HeaderValue::from_static("21600"))
            .send()
            .await
            .map_err(known)
            .map_err(as_token)?;
        let token = Secret::new(&String::from_utf8_lossy(&token.body));
        let mut header = HeaderValue::from_str(token.expose())
            .map_err(|_| Failure::transient(format!("{who} gave a token that no header can carry")))?;
        header.set_sensitive(true);
        let name = HeaderName::from_static("x-aws-ec2-metadata-token");
        let api = api.with_header(name, header);
        let roles = api.told(Method::GET, ROLES).secret(token.clone()).send().await.map_err(as_token)?;
        let roles = String::from_utf8_lossy(&roles.body);
        let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
        let role = role.ok_or_else(|| none("the instance has no role"))?;
        let path = ["latest", "meta-data", "iam", "security-credentials", role];
        let reply = api.get(&path).secret(token).send().await.map_err(as_token)?;
        Given::read(&reply, who).map(Some)
    }

    fn api(&self, who: &'static str, address: &str) -> Called<Api> {
        Api::new(who, address, Auth::None, self.http.clone(), self.clock.clone()).map_err(|why| none(&why))
    }
}

fn none(why: &str) -> Failure {
    Failure::refused(Refused::Token, format!("there are no AWS credentials: {why}"))
}

/// Whatever kind of refusal it is, it means that there are no credentials.
fn as_token(failure: Failure) -> Failure {
    match failure {
        Failure::Permanent { why, .. } => none(&why),
        other => known(other),
    }
}

/// That a token may have been made changes nothing: another one is asked for the next time.
fn known(failure: Failure) -> Failure {
    match failure {
        Failure::Unknown { why } => Failure::transient(why),
        other => other,
    }
}

async fn read_file(variable: &str, path: &str) -> Called<Secret> {
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| none(&format!("the file of {variable} can't be read: {}", error.kind())))?;
    let secret = Secret::new(&text);
    if secret.expose().is_empty() || secret.expose().contains(['\r', '\n']) {
        return Err(none(&format!("the file of {variable} is empty or has more than one line")));
    }
    Ok(secret)
}

/// Where a container's credentials are; none where nothing says so.
fn container_address(relative: Option<&str>, full: Option<&str>) -> Result<Option<Url>, String> {
    if let Some(relative) = relative {
        let url = Url::parse(&format!("http://{}{relative}", CONTAINERS[0])).ok();
        // Without a slash before it, it would name another host.
        let url = url.filter(|url| relative.starts_with('/') && url.host_str() == Some(CONTAINERS[0]));
        return url.map(Some).ok_or("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with a slash".to_owned());
    }
    let Some(full) = full else { return Ok(None) };
    let url = Url::parse(full).map_err(|error| format!("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL: {error}"))?;
    let is_own = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback() || CONTAINERS.contains(&address.to_string().as_str()),
        Some(url::Host::Ipv6(address)) => {
            address.is_loopback() || CONTAINERS.contains(&format!("[{address}]").as_str())
        }
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(Some(url)),
        "http" if is_own => Ok(Some(url)),
        _ => {
            Err("AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with https:// or name this machine, ECS or EKS"
                .to_owned())
        }
    }
}

/// What stands between the tags of an element without attributes. Enough for what STS answers: keys, tokens, times.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    let (inside, _) = behind.split_once(&format!("</{name}>"))?;
    Some(inside.trim()).filter(|inside| !inside.contains('&') && !inside.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_asked_only_where_the_sdks_would() {
        let full = |address: &str| container_address(None, Some(address));
        let good = [
            "http://127.0.0.1:51679/v1/credentials",
            "http://[::1]/x",
            "http://localhost/x",
            "http://169.254.170.2/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "https://anything.example/x",
        ];
        for address in good {
            assert!(full(address).is_ok_and(|url| url.is_some()), "{address}");
        }
        let bad = [
            "http://evil.example/x",
            "http://169.254.169.254/x",
            "http://169.254.170.2.evil.example/",
            "http://localhost.evil.example/",
            "http://10.0.0.1/",
            "http://[fd00:ec2::24]/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "x",
        ];
        for address in bad {
            assert!(full(address).is_err(), "{address}");
        }
        assert_eq!(container_address(None, None), Ok(None));
    }

    #[test]
    fn a_relative_address_is_a_path_of_ecs() {
        let relative = |path: &str| container_address(Some(path), Some("https://other.example/"));
        let url = relative("/v2/credentials/5f4b?x=1").expect("an address").expect("an address");
        assert_eq!(url.as_str(), "http://169.254.170.2/v2/credentials/5f4b?x=1");
        for bad in ["@evil.example/", ".evil.example/", ":80/x", "v2"] {
            assert!(relative(bad).is_err(), "{bad}");
        }
    }
}
