//! Addresses that must not be reached, whatever they are written like: a listener on loopback counts connections, and
//! a lookup that answers as a hostile name server would counts questions.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpListener;

use super::*;
use crate::clock::SystemClock;

/// Answers with the first of these, then the second, and so on; the last one again and again.
struct Names {
    answers: Vec<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn new(answers: &[&[&'static str]]) -> Arc<Names> {
        Arc::new(Names { answers: answers.iter().map(|it| it.to_vec()).collect(), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Lookup for Names {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.answers[asked.len().min(self.answers.len() - 1)].clone();
        asked.push(name);
        let answer = answer.iter().map(|address| address.parse().expect("an address")).collect();
        Box::pin(async move { Ok(answer) })
    }
}

fn reader(names: Arc<Names>) -> Public {
    crate::tls::install();
    Public::with(Arc::new(SystemClock), names).expect("a client")
}

/// Refused before any name is looked up.
const REFUSED_AT_SIGHT: &[&str] = &[
    // Loopback in every spelling.
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0x0.1/",
    "https://%31%32%37.0.0.1/",
    "https://127\u{3002}0\u{3002}0\u{3002}1/",
    "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    // IPv4 inside of IPv6: mapped, compatible, translated, NAT64 (both prefixes), 6to4, Teredo.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:0000:4136:e378:8000:63bf:80ff:fffe]/",
    // Private, shared and otherwise special.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://192.0.0.8/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.7/",
    "https://203.0.113.9/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[2001:db8::1]/",
    "https://[2001:20::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    // What clouds tell machines about themselves: AWS, Azure, Google; Alibaba; Oracle; Azure's other one.
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://169.254.170.2/v2/credentials",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::a9fe:a9fe]/",
    // Names of this machine or of its neighbours.
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://intranet/",
    "https://intranet./",
    // Somebody else's name in front.
    "https://good.example@127.0.0.1/",
    "https://good.example:secret@good.example/",
    "https://user@good.example/",
    "https://good.example%40127.0.0.1/",
    // Other ports and schemes.
    "http://good.example/",
    "http://127.0.0.1/",
    "https://good.example:8443/",
    "https://good.example:80/",
    "https://good.example:22/",
    "ftp://good.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "//good.example/",
    "good.example",
    "",
    "https://",
    "https:///",
];

/// Refused once the name was looked up: these answers.
const INSIDE_BY_NAME: &[&[&str]] = &[
    &["127.0.0.1"],
    &["127.8.8.8"],
    &["::1"],
    &["0.0.0.0"],
    &["10.1.2.3"],
    &["192.168.0.10"],
    &["172.20.0.5"],
    &["169.254.169.254"],
    &["100.100.100.200"],
    &["168.63.129.16"],
    &["fd00:ec2::254"],
    &["::ffff:127.0.0.1"],
    &["64:ff9b::7f00:1"],
    &["2002:7f00:1::1"],
    &["fe80::1"],
    // Both kinds: whichever is first.
    &["93.184.215.14", "127.0.0.1"],
    &["127.0.0.1", "93.184.215.14"],
    &["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
    // None at all.
    &[],
];

#[tokio::test]
async fn nothing_inside_is_ever_connected_to() {
    assert!(REFUSED_AT_SIGHT.len() >= 60, "{}", REFUSED_AT_SIGHT.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let names = Names::new(&[&["127.0.0.1"]]);
    let public = reader(Arc::clone(&names));
    let mut addresses: Vec<String> = REFUSED_AT_SIGHT.iter().map(|address| (*address).to_owned()).collect();
    // The same at the port where somebody listens.
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]"] {
        addresses.push(format!("https://{host}:{port}/"));
        addresses.push(format!("http://{host}:{port}/"));
        addresses.push(format!("https://good.example@{host}:{port}/"));
    }
    for address in &addresses {
        let refused = public.read(address).await.expect_err(address);
        assert!(refused.is(Refused::NotAllowed), "{address}: {refused:?}");
        assert!(address.len() < 9 || !refused.to_string().contains(address.as_str()), "{address}: {refused}");
    }
    assert_eq!(names.asked(), [""; 0], "a name was looked up");
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_name_that_stands_for_something_inside_is_not_connected_to() {
    for answer in INSIDE_BY_NAME {
        for name in ["good.example", "127.0.0.1.nip.example", "metadata.google.internal", "localhost.example."] {
            let names = Names::new(&[answer]);
            let refused = reader(Arc::clone(&names)).read(&format!("https://{name}/log")).await;
            let refused = refused.expect_err(name);
            assert!(refused.is(Refused::NotAllowed), "{name} as {answer:?}: {refused:?}");
            assert_eq!(names.asked().len(), 1, "{name} as {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_backslash_ends_the_host() {
    // It is a slash, as in browsers (url.spec.whatwg.org), so what stands behind it is a path.
    let names = Names::new(&[&["10.0.0.1"]]);
    assert!(reader(Arc::clone(&names)).read("https://good.example\\@127.0.0.1/").await.is_err());
    assert_eq!(names.asked(), ["good.example"]);
}

#[tokio::test]
async fn a_listener_on_the_usual_port_hears_nothing() {
    // The port can be had where the tests run as root; elsewhere the test above has shown it.
    let Ok(listener) = TcpListener::bind("127.0.0.1:443").await else { return };
    for answer in INSIDE_BY_NAME {
        let refused = reader(Names::new(&[answer])).read("https://good.example/").await;
        assert!(refused.expect_err("refused").is(Refused::NotAllowed), "{answer:?}");
    }
    let public = reader(Names::new(&[&["127.0.0.1"]]));
    for address in REFUSED_AT_SIGHT {
        assert!(public.read(address).await.is_err(), "{address}");
    }
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}

#[tokio::test]
async fn what_is_connected_to_is_what_was_judged_and_each_lookup_is_judged_anew() {
    let names = Names::new(&[&["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"], &["127.0.0.1"]]);
    let filtered = Filtered(Arc::<Names>::clone(&names));
    let name = || "good.example".parse::<Name>().expect("a name");
    let first: Vec<IpAddr> = match filtered.resolve(name()).await {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(error) => panic!("{error}"),
    };
    let judged: Vec<IpAddr> = names.answers[0].iter().map(|it| it.parse().expect("an address")).collect();
    assert_eq!(first, judged, "exactly the addresses that were judged");
    assert_eq!(names.asked().len(), 1, "looked up once: there is no second answer between judging and connecting");
    // The same name, a moment later.
    assert!(filtered.resolve(name()).await.is_err(), "rebound to loopback");
}

#[test]
fn a_redirect_leads_nowhere_inside() {
    let from = Url::parse("https://good.example/a/b?c").expect("a URL");
    // Without a host, an address is one of the same host.
    for inside in REFUSED_AT_SIGHT.iter().filter(|address| address.contains(':') && !address.ends_with(":///")) {
        let refused = follow(&from, Some(inside)).expect_err(inside);
        assert!(refused.is(Refused::NotAllowed), "{inside}: {refused:?}");
    }
    for nowhere in
        ["//127.0.0.1/", "//localhost/x", "//[::1]/", "//good.example:8080/", "http:/x", "https://[", "//@10.0.0.1"]
    {
        assert!(follow(&from, Some(nowhere)).is_err(), "{nowhere}");
    }
    assert!(follow(&from, None).is_err(), "no Location");
    let kept = |to: &str| follow(&from, Some(to)).expect("allowed").to_string();
    assert_eq!(kept("/elsewhere"), "https://good.example/elsewhere");
    assert_eq!(kept("https://other.example/x"), "https://other.example/x");
    assert_eq!(kept("//other.example/x"), "https://other.example/x");
}

#[test]
fn public_addresses_are_public() {
    for address in ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.254"]
    {
        assert!(is_public(address.parse().expect("an address")), "{address}");
    }
    for address in ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2400:cb00::1"] {
        assert!(is_public(address.parse().expect("an address")), "{address}");
    }
}
