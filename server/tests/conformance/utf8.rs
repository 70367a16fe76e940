//! Category 6: what is text and what is not, in whole messages, in fragments and in bytes, after Markus
//! Kuhn's file for decoders. Bytes that no text begins with are refused before what follows them is sent.

use crate::case::*;

/// The word that Kuhn's file begins with: eleven bytes of five characters.
const WORD: &str = "κ\u{1f79}σμε";

/// Sequences of one kind, each valid or not.
type Group = Vec<(bool, Vec<u8>)>;

fn valid<T: AsRef<[u8]>>(sequences: impl IntoIterator<Item = T>) -> Group {
    let all = sequences.into_iter();
    all.map(|bytes| (true, bytes.as_ref().to_vec())).collect()
}

fn invalid<T: AsRef<[u8]>>(sequences: impl IntoIterator<Item = T>) -> Group {
    let all = sequences.into_iter();
    all.map(|bytes| (false, bytes.as_ref().to_vec())).collect()
}

/// The encoding of UTF-8 carried on to any number and any length, as RFC 2279 once had it.
fn encoded(number: u32, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length)
        .map(|place| 0x80 | (number >> (6 * place) & 0x3f) as u8)
        .collect();
    let mark = (0xff00_u16 >> length) as u8;
    let room = if length < 6 { 0x7f >> length } else { 1 };
    bytes[length - 1] = mark | ((number >> (6 * (length - 1))) as u8 & room);
    bytes.reverse();
    bytes
}

fn without_end(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.pop();
    bytes
}

/// First bytes of one length, a blank after each.
fn lonely(first_bytes: std::ops::Range<u8>) -> Vec<u8> {
    first_bytes.flat_map(|byte| [byte, b' ']).collect()
}

/// Groups 6.5 to 6.23.
fn groups() -> Vec<Group> {
    let lengths = 2..=6_usize;
    // What the next shorter length could still say, and what a length can say at most.
    let too_small = [0, 0, 0x7f, 0x7ff, 0xffff, 0x1f_ffff, 0x3ff_ffff];
    let largest = [0, 0x7f, 0x7ff, 0xffff, 0x1f_ffff, 0x3ff_ffff, 0x7fff_ffff];
    let overlong = |number: u32| invalid(lengths.clone().map(|length| encoded(number, length)));
    let cut = || {
        let zeros = lengths.clone().map(|length| encoded(0, length));
        let ones = lengths
            .clone()
            .map(|length| encoded(largest[length], length));
        zeros.chain(ones).map(without_end)
    };
    let surrogates = [0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff];
    let pairs = surrogates[..4]
        .iter()
        .flat_map(|&high| [0xdc00, 0xdfff].map(|low| [encoded(high, 3), encoded(low, 3)].concat()));
    let no_characters = (0..=16)
        .flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff])
        .map(|number| char::from_u32(number).unwrap().to_string());
    let stray = (1..=6).map(|length| [0x80, 0xbf].repeat(3)[..length].to_vec());
    vec![
        valid([
            "hello$world",
            "hello¢world",
            "hello€world",
            "hello𤭢world",
            WORD,
        ]),
        (1..=WORD.len())
            .map(|end| (WORD.is_char_boundary(end), WORD.as_bytes()[..end].to_vec()))
            .collect(),
        valid(["\0", "\u{80}", "\u{800}", "\u{10000}"]),
        invalid([encoded(0x20_0000, 5), encoded(0x400_0000, 6)]),
        valid(["\u{7f}", "\u{7ff}", "\u{ffff}", "\u{10ffff}"]),
        invalid((4..=6).map(|length| encoded(largest[length], length))),
        [
            valid(["\u{d7ff}", "\u{e000}", "\u{fffd}", "\u{10ffff}"]),
            invalid([encoded(0x11_0000, 4)]),
        ]
        .concat(),
        [
            invalid([[0x80], [0xbf]]),
            invalid(stray.skip(1)),
            invalid([(0x80..0xbf).collect::<Vec<u8>>()]),
        ]
        .concat(),
        invalid([
            lonely(0xc0..0xdf),
            lonely(0xe0..0xef),
            lonely(0xf0..0xf7),
            lonely(0xf8..0xfb),
            lonely(0xfc..0xfd),
        ]),
        invalid(cut()),
        invalid([cut().collect::<Vec<_>>().concat()]),
        invalid([&b"\xfe"[..], b"\xff", b"\xfe\xfe\xff\xff"]),
        overlong(u32::from('/')),
        invalid(
            lengths
                .clone()
                .map(|length| encoded(too_small[length], length)),
        ),
        overlong(0),
        invalid(surrogates.map(|number| encoded(number, 3))),
        invalid(pairs),
        valid(no_characters),
        valid(('\u{fff9}'..='\u{ffff}').map(String::from)),
    ]
}

fn whole_messages() -> Vec<Case> {
    let numbered = |group: Group| (1..).zip(group);
    (5..)
        .zip(groups())
        .flat_map(|(number, group)| numbered(group).map(move |one| (number, one)))
        .map(|(group, (number, (is_valid, bytes)))| {
            let case = case(format!("6.{group}.{number}")).send(FIN | TEXT, &bytes);
            match is_valid {
                true => case.hear(TEXT, &bytes),
                false => case.closed_with(NOT_UTF8),
            }
        })
        .collect()
}

/// A frame for each byte.
fn byte_by_byte(case: Case, bytes: &[u8]) -> Case {
    let last = bytes.len() - 1;
    bytes.iter().enumerate().fold(case, |case, (at, byte)| {
        let opcode = if at == 0 { TEXT } else { 0 };
        let fin = if at == last { FIN } else { 0 };
        case.send(fin | opcode, [*byte])
    })
}

/// A message in three parts of which the second, not the first, shows that it is no text; the third is
/// never sent, nor the end of the frame where `in_one_frame`.
fn at_once(name: &str, bytes: &[u8], cuts: [usize; 2], in_one_frame: bool) -> Case {
    let [first, second] = cuts;
    if !in_one_frame {
        return case(name)
            .send(TEXT, &bytes[..first])
            // It has been taken: the connection lives.
            .send(FIN | PING, "")
            .hear(PONG, "")
            .send(0, &bytes[first..second])
            .closed_with(NOT_UTF8);
    }
    let frame = masked(FIN | TEXT, bytes);
    let payload = frame.len() - bytes.len();
    case(name)
        .send_bytes(&frame[..payload + first])
        .send_bytes(&frame[payload + first..payload + second])
        .closed_with(NOT_UTF8)
}

#[test]
fn category_6_utf_8() {
    let text = format!("Hello-µ@ßöäüàá-UTF-8!! {WORD}");
    // Within, a surrogate; then a number beyond the last character.
    let bad = [WORD.as_bytes(), b"\xed\xa0\x80", b"edited"].concat();
    let beyond = [WORD.as_bytes(), b"\xf4\x90\x80\x80", b"edited"].concat();
    let (front, back) = text.split_at("Hello-µ@ßöä".len());
    let mut cases = vec![
        case("6.1.1").send(FIN | TEXT, "").hear(TEXT, ""),
        case("6.1.2")
            .send(TEXT, "")
            .send(0, "")
            .send(FIN, "")
            .hear(TEXT, ""),
        case("6.1.3")
            .send(TEXT, "")
            .send(0, "瑶")
            .send(FIN, "")
            .hear(TEXT, "瑶"),
        case("6.2.1").send(FIN | TEXT, &text).hear(TEXT, &text),
        case("6.2.2")
            .send(TEXT, front)
            .send(FIN, back)
            .hear(TEXT, &text),
        byte_by_byte(case("6.2.3"), text.as_bytes()).hear(TEXT, &text),
        byte_by_byte(case("6.2.4"), WORD.as_bytes()).hear(TEXT, WORD),
        case("6.3.1").send(FIN | TEXT, &bad).closed_with(NOT_UTF8),
        byte_by_byte(case("6.3.2"), &bad).closed_with(NOT_UTF8),
        at_once("6.4.1", &beyond, [11, 15], false),
        at_once("6.4.2", &beyond, [12, 13], false),
        at_once("6.4.3", &beyond, [11, 15], true),
        at_once("6.4.4", &beyond, [12, 13], true),
    ];
    cases.extend(whole_messages());
    run(&cases, 145);
}

/// What the groups are made with says the right bytes.
#[test]
fn numbers_are_encoded_as_they_once_were() {
    for character in ['¢', '€', '瑶', '𤭢', '\u{10ffff}'] {
        let bytes = encoded(character.into(), character.len_utf8());
        assert_eq!(bytes, character.to_string().as_bytes());
    }
    assert_eq!(encoded(0x20_0000, 5), b"\xf8\x88\x80\x80\x80");
    assert_eq!(encoded(0x7fff_ffff, 6), b"\xfd\xbf\xbf\xbf\xbf\xbf");
    assert_eq!(encoded(0x2f, 2), b"\xc0\xaf");
    assert_eq!(encoded(0x3ff_ffff, 6), b"\xfc\x83\xbf\xbf\xbf\xbf");
    let counts: Vec<usize> = groups().iter().map(Vec::len).collect();
    let expected = [5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7];
    assert_eq!(counts, expected);
}
