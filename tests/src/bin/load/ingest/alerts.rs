//! Requests full of alerts that nobody has told of before.
//!
//! A request is rendered once. Where it has a number, a fixed number of digits is
//! overwritten before each sending, so that sending costs the client next to nothing. What
//! holds: alert N has the same labels, annotations and fingerprint in whatever shape and to
//! whichever peer it is sent, and no two alerts have the same fingerprint.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Kind;

/// How alerts are put into requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Alerts in a request.
    pub(super) batch: u64,
    /// Alerts in a group.
    pub(super) group: u64,
}

/// A request that can be sent again and again, with other alerts each time.
#[derive(Clone)]
pub(super) struct Request {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    shape: Shape,
}

/// Digits in a request.
#[derive(Clone, Copy)]
struct Slot {
    at: usize,
    digits: Digits,
    /// Of which alert in the request.
    alert: u64,
}

/// What they say.
#[derive(Clone, Copy)]
enum Digits {
    /// The alert's number.
    Alert,
    /// The number of its group.
    Group,
    /// Its fingerprint.
    Fingerprint,
}

/// How many digits a number has.
const WIDE: usize = 9;
/// How many a fingerprint has, as Alertmanager's own.
const FINGERPRINT: usize = 16;

impl Request {
    /// A request without alerts.
    pub(super) fn get(path: &str) -> Request {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes();
        Request { bytes, slots: Vec::new(), shape: Shape { batch: 0, group: 1 } }
    }

    /// Alerts in the shape in which a peer takes them.
    ///
    /// Muster takes one group a request, so that a batch for it is never larger than a group.
    pub(super) fn alerts(to: Kind, shape: Shape, now: Timestamp) -> Request {
        let (path, more, body) = match to {
            Kind::Muster => {
                let token = bot::demo::HOOK_TOKEN;
                ("/hooks/alertmanager", format!("Authorization: Bearer {token}\r\n"), webhook(shape, now))
            }
            Kind::Alertmanager => ("/api/v2/alerts", String::new(), posted(shape, now)),
        };
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let bytes = (head + &body).into_bytes();
        Request { slots: slots(&bytes), bytes, shape }
    }

    /// The request with this number, from 0: its alerts are in no other.
    pub(super) fn number(&mut self, number: u64) -> &[u8] {
        for slot in &self.slots {
            let alert = number * self.shape.batch + slot.alert;
            match slot.digits {
                Digits::Alert => write_digits(&mut self.bytes[slot.at..][..WIDE], alert, 10),
                Digits::Group => write_digits(&mut self.bytes[slot.at..][..WIDE], alert / self.shape.group, 10),
                Digits::Fingerprint => {
                    write_digits(&mut self.bytes[slot.at..][..FINGERPRINT], fingerprint(alert), 16);
                }
            }
        }
        &self.bytes
    }

    /// How many alerts it tells of.
    pub(super) fn count(&self) -> u64 {
        self.shape.batch
    }

    /// How large it is, in bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Spread over all 64 bits as Alertmanager's are; an odd factor maps no two numbers to the same.
fn fingerprint(alert: u64) -> u64 {
    (alert + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn write_digits(place: &mut [u8], mut number: u64, base: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % base) as usize];
        number /= base;
    }
}

/// Where the digits are: each is marked by an `@` and a letter, and the number of its alert in the request.
fn slots(bytes: &[u8]) -> Vec<Slot> {
    let marks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'@');
    let slot = |(at, _): (usize, &u8)| {
        let (digits, width) = match bytes[at + 1] {
            b'a' => (Digits::Alert, WIDE),
            b'g' => (Digits::Group, WIDE),
            _ => (Digits::Fingerprint, FINGERPRINT),
        };
        let number = std::str::from_utf8(&bytes[at + 2..at + width]).expect("digits are text");
        Slot { at, digits, alert: number.parse().expect("marks are written below") }
    };
    marks.map(slot).collect()
}

/// A mark for digits.
fn mark(letter: char, number: u64, width: usize) -> String {
    format!("@{letter}{number:0rest$}", rest = width - 2)
}

/// The labels of an alert, and its annotations.
fn words(number: u64) -> (Value, Value) {
    let (alert, group) = (mark('a', number, WIDE), mark('g', number, WIDE));
    let labels = json!({
        "alertname": "HighErrorRate", "service": format!("checkout-{group}"), "severity": "critical",
        "instance": format!("node-{alert}.example.com:9100"), "job": "kubernetes-pods", "region": "eu-central-1",
    });
    let annotations = json!({
        "summary": format!("More than 5% of the requests to checkout-{group} failed on node-{alert} for 10 minutes"),
        "runbook_url": format!("https://runbooks.example.com/checkout-{group}/high-error-rate"),
    });
    (labels, annotations)
}

/// As Prometheus writes it: to the millisecond, and always as long.
fn time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The rule that all alerts are from.
const RULE: &str = "https://prometheus.example.com/graph?g0.expr=error_rate+%3E+0.05&g0.tab=1";

/// What Prometheus sends to Alertmanager.
fn posted(shape: Shape, now: Timestamp) -> Value {
    let alert = |number| {
        let (labels, annotations) = words(number);
        json!({"labels": labels, "annotations": annotations, "startsAt": time(now), "generatorURL": RULE})
    };
    (0..shape.batch).map(alert).collect()
}

/// What Alertmanager sends for one group.
fn webhook(shape: Shape, now: Timestamp) -> Value {
    let alert = |number| {
        let (labels, annotations) = words(number);
        json!({
            "status": "firing", "labels": labels, "annotations": annotations, "startsAt": time(now),
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": RULE, "fingerprint": mark('f', number, FINGERPRINT),
        })
    };
    let (mut labels, mut annotations) = words(0);
    let group_labels = json!({"alertname": labels["alertname"], "service": labels["service"]});
    // What many have in common does not name the instance of one.
    if shape.batch > 1 {
        labels.as_object_mut().map(|labels| labels.remove("instance"));
        annotations.as_object_mut().map(|annotations| annotations.remove("summary"));
    }
    let key = format!("{{}}:{{alertname={}, service={}}}", labels["alertname"], labels["service"]);
    json!({
        "version": "4", "groupKey": key, "truncatedAlerts": 0, "status": "firing",
        "receiver": "muster", "groupLabels": group_labels, "commonLabels": labels, "commonAnnotations": annotations,
        "externalURL": "https://alertmanager.example.com",
        "alerts": (0..shape.batch).map(alert).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use integrations::alerting::alertmanager;
    use operations::alert::Received;

    use super::*;

    const BATCHES: Shape = Shape { batch: 50, group: 50 };
    const SINGLES: Shape = Shape { batch: 1, group: 1 };

    fn now() -> Timestamp {
        "2026-03-02T14:00:00.123Z".parse().expect("a time")
    }

    fn body(request: &[u8]) -> &str {
        let text = std::str::from_utf8(request).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        body
    }

    fn received(request: &[u8]) -> Received {
        alertmanager::parse("alertmanager", body(request).as_bytes()).expect("the bot takes it")
    }

    #[test]
    fn no_alert_and_no_group_is_told_of_twice() {
        let mut request = Request::alerts(Kind::Muster, BATCHES, now());
        let (mut fingerprints, mut labels, mut keys) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for number in 0..20 {
            let group = received(request.number(number));
            assert_eq!(group.alerts.len(), 50);
            keys.insert(group.key);
            for told in group.alerts {
                assert_eq!(told.alert.labels["service"], group.group_labels["service"]);
                assert_eq!(told.alert.fingerprint.len(), 16);
                fingerprints.insert(told.alert.fingerprint);
                labels.insert(format!("{:?}", told.alert.labels));
            }
        }
        assert_eq!((fingerprints.len(), labels.len(), keys.len()), (1000, 1000, 20));
    }

    #[test]
    fn an_alert_is_the_same_for_both() {
        for shape in [BATCHES, SINGLES] {
            let of = |peer: Kind| {
                let request = Request::alerts(peer, shape, now()).number(7).to_vec();
                let body: Value = serde_json::from_str(body(&request)).expect("JSON");
                let alerts = if peer == Kind::Muster { body["alerts"].clone() } else { body };
                let said = |alert: &Value| {
                    ["labels", "annotations", "startsAt", "generatorURL"].map(|field| alert[field].clone())
                };
                alerts.as_array().expect("a list").iter().map(said).collect::<Vec<_>>()
            };
            assert_eq!(of(Kind::Muster), of(Kind::Alertmanager));
        }
    }

    #[test]
    fn an_alert_says_about_as_much_as_a_real_one() {
        let mut request = Request::alerts(Kind::Muster, SINGLES, now());
        let alert = received(request.number(1)).alerts.remove(0).alert;
        let all = alert.labels.iter().chain(alert.annotations.iter());
        let size: usize = all.map(|(name, text)| name.len() + text.as_str().len()).sum();
        assert!((300..400).contains(&size), "{size} bytes");
    }

    #[test]
    fn a_group_of_many_shares_what_does_not_name_an_instance() {
        let shared = |shape| {
            let body: Value = webhook(shape, now());
            ["commonLabels", "commonAnnotations"].map(|common| body[common].as_object().map_or(0, |map| map.len()))
        };
        assert_eq!((shared(BATCHES), shared(SINGLES)), ([5, 1], [6, 2]));
    }
}
