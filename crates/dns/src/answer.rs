//! From a query to its answer, or to the decision to ask further.

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, PTR};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::directory::Directory;
use crate::view::View;

/// How long an answer may be remembered, in seconds: containers come and go.
const TIME_TO_LIVE: u32 = 5;
/// Most bytes of an answer to somebody who did not say how much he takes (RFC 1035, section 4.2.1).
const PLAIN_DATAGRAM: usize = 512;
/// Most bytes of a datagram that we send to one who takes more: what passes everywhere unfragmented.
const LARGEST_DATAGRAM: usize = 1232;
const LARGEST_STREAM: usize = u16::MAX as usize;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Datagram,
    Stream,
}

/// What is to be done with a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// This is the answer.
    Answer(Vec<u8>),
    /// Somebody else is to be asked.
    Forward,
    /// It is no query: no answer.
    Ignore,
}

/// Answers what a container asks about containers.
pub(crate) fn decide(directory: &Directory, view: &View, bytes: &[u8], transport: Transport) -> Decision {
    let Ok(query) = Message::from_vec(bytes) else { return refuse_unreadable(bytes) };
    if query.metadata.message_type != MessageType::Query {
        return Decision::Ignore;
    }
    let [question] = &query.queries[..] else {
        return failure(&query, ResponseCode::FormErr, transport);
    };
    if query.metadata.op_code != OpCode::Query {
        return failure(&query, ResponseCode::NotImp, transport);
    }
    if question.query_class() != DNSClass::IN {
        return Decision::Forward;
    }
    let name = question.name();
    let kind = question.query_type();
    if kind == RecordType::PTR {
        let address = name.parse_arpa_name().ok().filter(|net| net.prefix_len() == net.max_prefix_len());
        let found = address.and_then(|net| view.name_at(directory, net.addr()));
        let Some(found) = found.and_then(|found| Name::from_ascii(format!("{found}.")).ok()) else {
            return Decision::Forward;
        };
        return answer(&query, vec![RData::PTR(PTR(found))], transport);
    }
    let asked = name.to_ascii().to_lowercase();
    match view.addresses(directory, asked.trim_end_matches('.')) {
        Some(mut found) => {
            // A client that takes the first one takes another each time.
            let turns = rand::random_range(0..found.len().max(1));
            found.rotate_left(turns);
            answer(&query, found.into_iter().filter_map(|address| data(address, kind)).collect(), transport)
        }
        None => Decision::Forward,
    }
}

/// The answer that says only how it went wrong.
pub(crate) fn refusal(bytes: &[u8], code: ResponseCode, transport: Transport) -> Option<Vec<u8>> {
    let query = Message::from_vec(bytes).ok()?;
    match failure(&query, code, transport) {
        Decision::Answer(answer) => Some(answer),
        _ => None,
    }
}

fn data(address: IpAddr, kind: RecordType) -> Option<RData> {
    match (address, kind) {
        (IpAddr::V4(address), RecordType::A | RecordType::ANY) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA | RecordType::ANY) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    }
}

/// Something that has a number gets an answer of that number.
fn refuse_unreadable(bytes: &[u8]) -> Decision {
    const IS_ANSWER: u8 = 0x80;
    let Some([high, low, flags]) = bytes.first_chunk().copied().filter(|_| bytes.len() >= 12) else {
        return Decision::Ignore;
    };
    if flags & IS_ANSWER != 0 {
        return Decision::Ignore;
    }
    let id = u16::from_be_bytes([high, low]);
    let message = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
    message.to_vec().map_or(Decision::Ignore, Decision::Answer)
}

fn failure(query: &Message, code: ResponseCode, transport: Transport) -> Decision {
    let mut response = response_to(query);
    response.metadata.response_code = code;
    response.metadata.authoritative = false;
    encode(query, &response, transport)
}

fn answer(query: &Message, found: Vec<RData>, transport: Transport) -> Decision {
    let mut response = response_to(query);
    if let Some(question) = query.queries.first() {
        let records =
            found.into_iter().map(|data| Record::from_rdata(question.name().clone(), TIME_TO_LIVE, data));
        response.add_answers(records);
    }
    encode(query, &response, transport)
}

fn response_to(query: &Message) -> Message {
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    response.metadata.authoritative = true;
    response.add_queries(query.queries.iter().cloned());
    if query.edns.is_some() {
        let mut edns = hickory_proto::op::Edns::new();
        edns.set_max_payload(LARGEST_DATAGRAM as u16);
        response.set_edns(edns);
    }
    response
}

fn encode(query: &Message, response: &Message, transport: Transport) -> Decision {
    let taken = query.edns.as_ref().map_or(PLAIN_DATAGRAM, |edns| usize::from(edns.max_payload()));
    let most = match transport {
        Transport::Datagram => taken.clamp(PLAIN_DATAGRAM, LARGEST_DATAGRAM),
        Transport::Stream => LARGEST_STREAM,
    };
    match response.to_vec() {
        Ok(bytes) if bytes.len() <= most => Decision::Answer(bytes),
        Ok(_) => response.truncate().to_vec().map_or(Decision::Ignore, Decision::Answer),
        Err(error) => {
            tracing::debug!(%error, "an answer cannot be written");
            Decision::Ignore
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Member;
    use hickory_proto::op::Query;

    fn directory(count: u8) -> Directory {
        let directory = Directory::default();
        for number in 1..=count {
            let member = Member {
                network: "n".into(),
                network_name: "net".into(),
                names: vec![format!("web_{number}"), "web".into()],
                addresses: vec![IpAddr::from([10, 0, 0, number]), format!("fd00::{number}").parse().unwrap()],
            };
            directory.set(&number.to_string(), vec![member]);
        }
        directory
    }

    fn ask(directory: &Directory, name: &str, kind: RecordType, transport: Transport) -> Option<Message> {
        let view = View { networks: vec!["n".into()], ..View::default() };
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        match decide(directory, &view, &query.to_vec().unwrap(), transport) {
            Decision::Answer(bytes) => {
                let answer = Message::from_vec(&bytes).unwrap();
                assert_eq!((answer.metadata.id, &answer.queries), (query.metadata.id, &query.queries));
                Some(answer)
            }
            Decision::Forward => None,
            Decision::Ignore => panic!("no answer"),
        }
    }

    #[test]
    fn containers_are_answered_and_others_are_passed_on() {
        let directory = directory(2);
        let ask = |name: &str, kind| ask(&directory, name, kind, Transport::Datagram);
        assert_eq!(ask("web_1.", RecordType::A).unwrap().answers.len(), 1);
        assert_eq!(ask("WEB.net.", RecordType::AAAA).unwrap().answers.len(), 2);
        let nothing = ask("web.", RecordType::MX).unwrap();
        assert_eq!((nothing.metadata.response_code, nothing.answers.len()), (ResponseCode::NoError, 0));
        let reverse = ask("2.0.0.10.in-addr.arpa.", RecordType::PTR).unwrap();
        assert_eq!(reverse.answers[0].data.to_string(), "web_2.net.");
        for (name, kind) in [
            ("example.org.", RecordType::A),
            ("9.0.0.10.in-addr.arpa.", RecordType::PTR),
            (".", RecordType::NS),
        ] {
            assert!(ask(name, kind).is_none(), "{name}");
        }
    }

    #[test]
    fn all_take_their_turn() {
        let directory = directory(3);
        let mut first = std::collections::HashSet::new();
        for _ in 0..200 {
            let answer = ask(&directory, "web.", RecordType::A, Transport::Datagram).unwrap();
            first.insert(answer.answers[0].data.to_string());
        }
        assert_eq!(first.len(), 3);
    }

    #[test]
    fn what_is_too_long_for_a_datagram_is_said_and_comes_by_a_stream() {
        let directory = directory(200);
        let short = ask(&directory, "web.", RecordType::A, Transport::Datagram).unwrap();
        assert!(short.metadata.truncation && short.answers.is_empty());
        let long = ask(&directory, "web.", RecordType::A, Transport::Stream).unwrap();
        assert!(!long.metadata.truncation && long.answers.len() == 200);
    }

    #[test]
    fn nonsense_gets_no_more_than_an_error() {
        let (directory, view) = (directory(1), View::default());
        let decide = |bytes: &[u8]| decide(&directory, &view, bytes, Transport::Datagram);
        assert_eq!(decide(b""), Decision::Ignore);
        assert_eq!(decide(b"short"), Decision::Ignore);
        let Decision::Answer(answer) = decide(&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 200]) else { panic!() };
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!((answer.metadata.id, answer.metadata.response_code), (0x707, ResponseCode::FormErr));
        assert_eq!(decide(&[7, 7, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, 200]), Decision::Ignore);
    }
}
