//! The grammar of a packet, what each type may say, and attachments that come one by one.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Packet<'_>, Fault> {
    let packet = Reassembly::new(1_000_000).text(text)?;
    Ok(packet.expect("no attachments"))
}

#[test]
fn packets_read_as_the_protocol_writes_them() {
    for (text, namespace, again) in [
        ("0", "/", "0"),
        (r#"0{"token":"123"}"#, "/", r#"0{"token":"123"}"#),
        ("0/custom,", "/custom", "0/custom,"),
        ("0/custom", "/custom", "0/custom,"),
        ("1", "/", "1"),
        ("1/custom", "/custom", "1/custom,"),
        (r#"2["message",1, "2"]"#, "/", r#"2["message",1,"2"]"#),
        (
            r#"2/峡谷,456["message"]"#,
            "/峡谷",
            r#"2/峡谷,456["message"]"#,
        ),
        ("2[7]", "/", "2[7]"),
        ("3456[]", "/", "3456[]"),
        (
            "318446744073709551615[1e999]",
            "/",
            "318446744073709551615[1e999]",
        ),
        (r#"4/x,{"message":"no"}"#, "/x", r#"4/x,{"message":"no"}"#),
        (r#"4"no""#, "/", r#"4"no""#),
        (r#"50-["message"]"#, "/", r#"2["message"]"#),
    ] {
        let packet = read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(packet.namespace, namespace, "{text}");
        assert_eq!(packet.text(), again, "{text}");
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    for (text, fault) in [
        ("", Fault::UnknownType),
        ("abc", Fault::UnknownType),
        ("7", Fault::UnknownType),
        ("瑶", Fault::UnknownType),
        ("0[]", Fault::BadPayload),
        ("0null", Fault::BadPayload),
        ("0{", Fault::BadPayload),
        ("01{}", Fault::IdOutOfPlace),
        ("1{}", Fault::BadPayload),
        ("2", Fault::BadPayload),
        ("2{}", Fault::BadPayload),
        ("2[]", Fault::BadPayload),
        ("2[true]", Fault::BadPayload),
        ("2[null]", Fault::BadPayload),
        ("2[[1]]", Fault::BadPayload),
        ("2[\"a\"]x", Fault::BadPayload),
        (r#"2abc["message"]"#, Fault::BadPayload),
        (r#"2["connect"]"#, Fault::ReservedEvent),
        (r#"2["connect_error",1]"#, Fault::ReservedEvent),
        (r#"2["disconn\u0065ct"]"#, Fault::ReservedEvent),
        (r#"2["newListener"]"#, Fault::ReservedEvent),
        ("3[]", Fault::NoId),
        ("31{}", Fault::BadPayload),
        ("31", Fault::BadPayload),
        ("318446744073709551616[]", Fault::BadId),
        ("4", Fault::BadPayload),
        ("41[]", Fault::IdOutOfPlace),
        ("4[]", Fault::BadPayload),
        (r#"5["a"]"#, Fault::NoCount),
        (r#"51["a"]"#, Fault::NoCount),
        ("5-[1]", Fault::NoCount),
        ("599999999999999999999999-", Fault::TooManyAttachments),
        (r#"511-["a"]"#, Fault::TooManyAttachments),
        (r#"61-["a"]"#, Fault::NoId),
    ] {
        assert_eq!(read(text).err(), Some(fault), "{text}");
    }
}

#[test]
fn attachments_follow_one_by_one() {
    let mut reassembly = Reassembly::new(1_000);
    let text = r#"52-789["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert!(reassembly.text(text).unwrap().is_none() && reassembly.is_waiting());
    let attachments = [Bytes::from_static(&[1, 2, 3]), Bytes::from_static(&[4])];
    assert!(reassembly.binary(attachments[0].clone()).unwrap().is_none());
    let whole = reassembly.binary(attachments[1].clone()).unwrap().unwrap();
    let packet = whole.packet();
    assert_eq!(packet.attachments, attachments);
    assert!(
        matches!(&packet.body, Body::Event { id: Some(789), arguments } if arguments.len() == 3)
    );
    assert_eq!(packet.text(), text);
    assert!(!reassembly.is_waiting());
    assert!(reassembly.text("1").unwrap().is_some());
}

#[test]
fn what_comes_in_the_wrong_order_is_a_fault() {
    let data = Bytes::from_static(b"x");
    let mut reassembly = Reassembly::new(1_000);
    let fault = reassembly.binary(data.clone()).unwrap_err();
    assert_eq!(fault, Fault::BinaryOutOfPlace);
    reassembly.text(r#"51-["a"]"#).unwrap();
    let fault = reassembly.text(r#"2["a"]"#).unwrap_err();
    assert_eq!(fault, Fault::TextTooEarly);
}

/// Ten attachments of the longest message would be ten times what one may send.
#[test]
fn a_packet_has_one_size_with_its_attachments() {
    let mut reassembly = Reassembly::new(100);
    reassembly.text(r#"52-["a"]"#).unwrap();
    assert!(reassembly.binary(vec![0; 80].into()).unwrap().is_none());
    let fault = reassembly.binary(vec![0; 80].into()).unwrap_err();
    assert_eq!(fault, Fault::TooLarge(100));
    let long = format!(r#"2["{}"]"#, "x".repeat(100));
    let fault = Reassembly::new(100).text(&long).unwrap_err();
    assert_eq!(fault, Fault::TooLarge(100));
}

/// JSON readers that recurse would overflow the stack.
#[test]
fn deep_nesting_harms_nobody() {
    let text = format!(r#"2["a",{}{}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&text).is_ok());
}

fn any_json() -> impl Strategy<Value = Box<RawValue>> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        ".{0,10}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("null".to_owned()),
        Just(r#"{"a":[1.50]}"#.to_owned()),
    ];
    leaf.prop_map(|json| RawValue::from_string(json).expect("JSON"))
}

fn any_name() -> impl Strategy<Value = Box<RawValue>> {
    ".{0,10}"
        .prop_filter("reserved", |name| !RESERVED_EVENTS.contains(&&**name))
        .prop_map(|name| serde_json::value::to_raw_value(&name).expect("a string"))
}

fn any_namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just(MAIN.to_owned()), "/[^,]{1,10}"]
}

fn same(one: &Packet<'_>, other: &Packet<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.text(), other.text());
    prop_assert_eq!((one.kind(), one.namespace), (other.kind(), other.namespace));
    prop_assert_eq!(one.attachments, other.attachments);
    Ok(())
}

proptest! {
    #[test]
    fn a_packet_survives_its_text(
        namespace in any_namespace(),
        id: Option<u64>,
        name in any_name(),
        rest in prop::collection::vec(any_json(), 0..4),
        data in prop::collection::vec(any::<Vec<u8>>(), 0..=MAX_ATTACHMENTS),
        is_ack: bool,
    ) {
        let arguments: Vec<&RawValue> = std::iter::once(&name).chain(&rest).map(|json| &**json).collect();
        let body = match (is_ack, id) {
            (true, Some(id)) => Body::Ack { id, arguments },
            _ => Body::Event { id, arguments },
        };
        let attachments: Vec<Bytes> = data.into_iter().map(Bytes::from).collect();
        let packet = Packet { namespace: &namespace, body, attachments: &attachments };
        let text = packet.text();
        let mut reassembly = Reassembly::new(1_000_000);
        if let Some(read) = reassembly.text(&text).unwrap() {
            same(&read, &packet)?;
            return Ok(());
        }
        let mut whole = None;
        for data in &attachments {
            prop_assert!(whole.is_none());
            whole = reassembly.binary(data.clone()).unwrap();
        }
        let whole = whole.unwrap();
        let read = whole.packet();
        same(&read, &packet)?;
    }

    #[test]
    fn any_text_is_a_packet_or_a_fault(text in "[0-6]?[0-9]{0,3}-?(/[a-z]{0,2},?)?[0-9]{0,21}\\PC{0,20}") {
        if let Ok(Some(packet)) = Reassembly::new(1_000_000).text(&text) {
            let again = packet.text();
            let read = Reassembly::new(1_000_000).text(&again).unwrap().unwrap().text();
            prop_assert_eq!(again, read);
        }
    }
}
