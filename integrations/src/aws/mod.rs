//! AWS: its addresses, its signature, its credentials and the call that its JSON services share.
//!
//! A service is a [`Caller`] made of a [`Connection`] and the service's names; an operation is a word and a JSON
//! body, `POST /` with `X-Amz-Target` (the "AWS JSON 1.1 protocol", smithy.io). What holds: each try is signed anew;
//! credentials go to the configured address alone, as a signature; no error holds a secret, even where the
//! service's own words repeat what was signed; what an error word means is said in `words.rs`.

mod caller;
pub mod credentials;
mod sign;
mod sources;
pub(crate) mod time;
mod words;

pub use caller::{Caller, Service, Trouble};
pub use credentials::{Credentials, Provider, Source};

/// Where AWS is, and who calls it. One serves every AWS pipeline of an account and region.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The region's name, such as `eu-central-1`.
    pub region: String,
    /// An address that all services are called at instead of their own, such as a local AWS's. None: AWS itself.
    pub api_url: Option<String>,
    /// The credentials.
    pub credentials: Provider,
}

/// The domain that a region's services are under (botocore, `partitions.json`).
const SUFFIXES: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
];

/// The console's domain where it is not `aws.amazon.com` (docs.aws.amazon.com, "Service endpoints").
const CONSOLES: &[(&str, &str)] = &[("cn-", "amazonaws.cn"), ("us-gov-", "amazonaws-us-gov.com")];

/// Whether `region` has a region's form, so that it can stand in a host's name.
///
/// # Errors
/// It has not. The words are for the operator.
pub fn check_region(region: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (4..=30).contains(&region.len()) && region.bytes().all(is_plain) && !region.starts_with('-') {
        return Ok(());
    }
    Err("`region` of AWS must be a region's name, such as `eu-central-1`".to_owned())
}

/// The address of a service in a region, which was checked.
#[must_use]
pub fn endpoint(service: &str, region: &str) -> String {
    let suffix = SUFFIXES.iter().find(|(begins, _)| region.starts_with(begins)).map_or("amazonaws.com", |(_, s)| s);
    format!("https://{service}.{region}.{suffix}")
}

/// The console's page at `path` for people, where its parts form an address.
#[must_use]
pub(crate) fn console(region: &str, path: &[&str]) -> Option<String> {
    let domain = CONSOLES.iter().find(|(begins, _)| region.starts_with(begins)).map_or("aws.amazon.com", |(_, d)| d);
    let mut url = reqwest::Url::parse(&format!("https://{region}.console.{domain}/codesuite")).ok()?;
    url.path_segments_mut().ok()?.extend(path);
    url.query_pairs_mut().append_pair("region", region);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_domain() {
        assert_eq!(endpoint("codebuild", "eu-central-1"), "https://codebuild.eu-central-1.amazonaws.com");
        assert_eq!(endpoint("codebuild", "cn-north-1"), "https://codebuild.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint("sts", "us-gov-west-1"), "https://sts.us-gov-west-1.amazonaws.com");
        assert_eq!(endpoint("sts", "us-isob-east-1"), "https://sts.us-isob-east-1.sc2s.sgov.gov");
        assert_eq!(endpoint("sts", "us-iso-east-1"), "https://sts.us-iso-east-1.c2s.ic.gov");
    }

    #[test]
    fn what_is_no_region_is_refused() {
        for good in ["eu-central-1", "us-gov-west-1", "mx-central-1"] {
            assert_eq!(check_region(good), Ok(()), "{good}");
        }
        for bad in ["", "us", "evil.com/", "us-east-1.evil.com#", "US-EAST-1", "us east 1", "a@b-c-1", "-us-east-1"] {
            assert!(check_region(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_consoles_address_holds_names_as_segments() {
        let url = console("eu-central-1", &["codebuild", "projects", "a b", "build", "a b:1/../x"]);
        assert_eq!(
            url.as_deref(),
            Some(
                "https://eu-central-1.console.aws.amazon.com/codesuite/codebuild/projects/a%20b/build/a%20b:1%2F..%2Fx?region=eu-central-1"
            )
        );
    }
}
