//! How the cluster is reached: token, certificates, configuration, and the rights that the example grants.

use super::*;

#[tokio::test]
async fn the_tokens_file_is_read_anew_each_time() {
    let server = Server::start(|_: &Seen| Answer::json(200, &json!({}))).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let connection = Connection { token: Token::File(file.clone()), ..connection(&server.url) };
    let pipeline =
        Kubernetes::new(connection, target(Workload::Deployment, None), shared(&clock())).expect("a pipeline");
    let missing = pipeline.warnings().await.expect_err("no file yet");
    assert!(matches!(missing, Failure::Transient { .. }) && server.connections() == 0, "{missing:?}");
    for token in ["the-first", "the-second"] {
        std::fs::write(&file, format!("{token}\n")).expect("written");
        pipeline.warnings().await.expect("asked");
        let seen = server.seen().pop().expect("asked");
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
    }
    let inside = Connection::in_cluster();
    assert_eq!(inside.url, "https://kubernetes.default.svc");
    assert!(matches!(inside.token, Token::File(path) if path.ends_with("serviceaccount/token")));
    assert!(inside.ca_file.is_some_and(|path| path.ends_with("serviceaccount/ca.crt")));
}

const CA: &str = include_str!("../kubernetes_tls/ca.pem");
const OTHER_CA: &str = include_str!("../kubernetes_tls/other.pem");

/// Speaks TLS with the test's certificate and answers `{}` to whatever comes. It ends with the process.
fn https() -> String {
    use std::io::{Read, Write};
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    integrations::tls::install();
    let certificate =
        CertificateDer::from_pem_slice(include_bytes!("../kubernetes_tls/srv.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../kubernetes_tls/srv.key")).expect("a key");
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let config = Arc::new(config.expect("a configuration"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { continue };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut heard = [0; 4096];
            if stream.read(&mut heard).is_ok_and(|length| length > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    url
}

#[tokio::test]
async fn the_clusters_ca_alone_is_trusted_and_read_anew() {
    let url = https();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.crt");
    let with = Connection { ca_file: Some(file.clone()), ..connection(&url) };
    let clock = clock();
    let server = Server::start(|_: &Seen| Answer::Lost).await;
    let build = |connection| Kubernetes::new(connection, target(Workload::Deployment, None), shared(&clock));
    let pipeline = build(with).expect("a pipeline");
    let warnings = || passing(|by| clock.advance(by), &server, pipeline.warnings());
    for (ca, is_trusted) in
        [(CA, true), (OTHER_CA, false), (CA, true), (&format!("{OTHER_CA}{CA}"), true), ("", false), ("x", false)]
    {
        std::fs::write(&file, ca).expect("written");
        let outcome = warnings().await;
        assert_eq!(outcome.is_ok(), is_trusted, "{outcome:?}");
        assert!(is_trusted || matches!(outcome, Err(Failure::Transient { .. })), "nothing was sent: {outcome:?}");
    }
    let without = build(connection(&url)).expect("a pipeline");
    let refused = passing(|by| clock.advance(by), &server, without.warnings()).await;
    assert!(refused.is_err(), "machines don't trust it");
    assert!(http_client_trusting(b"no PEM").is_err());
    let plain = Connection { ca_file: Some(file), ..connection("http://127.0.0.1:1") };
    assert!(build(plain).err().expect("refused").contains("`ca_file`"));
}

#[test]
fn what_is_wrong_in_the_configuration_is_said() {
    let build = |target: Target| Kubernetes::new(connection("https://k8s.example"), target, shared(&clock())).err();
    let good = || target(Workload::Deployment, image());
    assert_eq!(build(good()), None);
    for hostile in ["", "..", "a/b", "a?b", "A", "a b", "-a"] {
        let words = build(Target { namespace: hostile.to_owned(), ..good() }).expect(hostile);
        assert!(words.contains("`namespace`"), "{words}");
        let words = build(Target { name: hostile.to_owned(), ..good() }).expect(hostile);
        assert!(words.contains("`name`"), "{words}");
    }
    for repository in ["", "a b", "a:v1", "a@sha256:00", "a/", "a\"b"] {
        let image = Image { container: "api".to_owned(), repository: repository.to_owned() };
        let words = build(Target { image: Some(image), ..good() }).expect(repository);
        assert!(words.contains("`image.repository`"), "{words}");
    }
    let empty = Connection { token: Token::Given(Secret::new("")), ..connection("https://k8s.example") };
    let words = Kubernetes::new(empty, good(), shared(&clock())).err().expect("no token");
    assert!(words.contains("`token`"), "{words}");
    assert!(!format!("{:?}", connection("https://k8s.example")).contains(SECRET));
}

/// Verb and resource of a request, as RBAC names them (kubernetes.io, "Authorization Overview").
fn right(seen: &Seen) -> (String, String, String) {
    let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["apis", group, _, "namespaces", "shop", rest @ ..] => ((*group).to_owned(), rest.to_vec()),
        ["api", _, "namespaces", "shop", rest @ ..] => (String::new(), rest.to_vec()),
        _ => panic!("outside of its namespace: {}", seen.path),
    };
    let (resource, is_named) = match rest.as_slice() {
        [resource] => ((*resource).to_owned(), false),
        [resource, _] => ((*resource).to_owned(), true),
        [resource, _, sub] => (format!("{resource}/{sub}"), true),
        _ => panic!("{}", seen.path),
    };
    let verb = match (seen.method.as_str(), is_named) {
        ("GET", true) => "get",
        ("GET", false) => "list",
        ("PATCH", true) => "patch",
        (other, _) => panic!("{other}"),
    };
    (group, resource, verb.to_owned())
}

/// The rights that the example gives: the file is read as it is written, one list a line.
fn rights() -> BTreeSet<(String, String, String)> {
    let file = include_str!("../../../../docs/examples/kubernetes-rbac.yaml");
    let list = |line: &str| -> Vec<String> {
        let inner = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(inner, _)| inner);
        let inner = inner.expect("a list on one line");
        inner.split(',').map(|it| it.trim().trim_matches('"').to_owned()).collect()
    };
    let (mut groups, mut resources, mut rights) = (Vec::new(), Vec::new(), BTreeSet::new());
    for line in file.lines().map(str::trim).filter(|line| line.contains(": [")) {
        if line.contains("apiGroups:") {
            groups = list(line);
        } else if line.starts_with("resources:") {
            resources = list(line);
        } else if line.starts_with("verbs:") {
            for (group, resource) in groups.iter().flat_map(|group| resources.iter().map(move |it| (group, it))) {
                rights.extend(list(line).into_iter().map(|verb| (group.clone(), resource.clone(), verb)));
            }
        } else {
            panic!("a line that the test does not know: {line}");
        }
    }
    rights
}

#[tokio::test]
async fn the_examples_rights_are_those_that_are_used() {
    let mut used = BTreeSet::new();
    for kind in KINDS {
        for image in [None, image()] {
            let side = Side::new(kind, image.clone()).await;
            let now = match image {
                None => side.kubernetes.resolve(None).await.expect("there").commit.id.as_str().to_owned(),
                Some(_) => "v1".to_owned(),
            };
            let first = side.deploy("muster-d1-4f0c9a1e", &now).await;
            side.world.with(|cluster| {
                cluster.pods = vec![pod("api-7", json!({}))];
                cluster.observe(&json!({"updatedReplicas": 1, "updatedNumberScheduled": 1}));
            });
            side.kubernetes.look(&first).await.expect("its progress");
            side.kubernetes.log(&first).await.expect("a log");
            side.kubernetes.find(&order("muster-d1-4f0c9a1e", &now)).await.expect("asked");
            side.kubernetes.warnings().await.expect("warnings");
            side.wait(side.kubernetes.start(&back("muster-d2-4f0c9a1e", &now, None))).await.expect("rolled back");
            used.extend(side.world.server.seen().iter().map(right));
        }
    }
    assert_eq!(used, rights(), "left: what is used; right: what the example gives");
}
