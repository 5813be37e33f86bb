use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use super::unpack::{Unpackable, Unpacking};
use super::{NoJson, beginning, json as read, object, text};

fn cut(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn an_answer_is_read_however_its_bytes_came() {
    let plain = r#"{"a":"ü","n":1}"#;
    for (case, body) in [
        ("plain", plain.as_bytes().to_vec()),
        ("a byte order mark", format!("\u{feff}{plain}").into_bytes()),
        ("two of them", format!("\u{feff}\u{feff}{plain}").into_bytes()),
        ("blanks and zeros around", format!("\r\n\0 {plain}\0\n").into_bytes()),
        ("UTF-16, little end first", utf16(&format!("\u{feff}{plain}"), u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(&format!("\u{feff}{plain}"), u16::to_be_bytes)),
        ("UTF-16 without a mark", utf16(plain, u16::to_le_bytes)),
        ("UTF-16 without a mark, big end first", utf16(plain, u16::to_be_bytes)),
        ("UTF-8 behind a mark of UTF-16", [&b"\xff\xfe"[..], plain.as_bytes()].concat()),
        ("the same of the other order", [&b"\xfe\xff"[..], plain.as_bytes()].concat()),
        ("UTF-16 behind a mark of UTF-8", [&b"\xef\xbb\xbf"[..], &utf16(plain, u16::to_le_bytes)].concat()),
        ("UTF-16 behind a mark of the other order", [&b"\xff\xfe"[..], &utf16(plain, u16::to_be_bytes)].concat()),
        ("gzip without a word", gzip(plain.as_bytes())),
        ("gzip with bytes behind it", [&gzip(plain.as_bytes())[..], b"\r\n0"].concat()),
        ("gzip without the end of its trailer", cut(gzip(plain.as_bytes()), 4)),
        ("gzip without its trailer", cut(gzip(plain.as_bytes()), 8)),
        ("gzip with a mark inside", gzip(format!("\u{feff}{plain}").as_bytes())),
        ("something behind", format!("{plain}<!-- 12 ms -->").into_bytes()),
        ("a list of one", format!("[{plain}]").into_bytes()),
        ("a comma too many", br#"{"a":"\u00fc","n":1,}"#.to_vec()),
    ] {
        assert_eq!(object(&body).map(Value::Object), Ok(json!({"a": "ü", "n": 1})), "{case}");
    }
}

#[test]
fn what_is_no_text_costs_a_character_and_not_the_answer() {
    for (body, expected) in [
        (&b"{\"a\":\"refus\xe9\"}"[..], "refus\u{fffd}"),
        (br#"{"a":"x\ud800y"}"#, "x\u{fffd}y"),
        (br#"{"a":"\ud800\u0041"}"#, "\u{fffd}A"),
        (br#"{"a":"\udc00\ud800"}"#, "\u{fffd}\u{fffd}"),
        (br#"{"a":"\ud83d\ude00"}"#, "\u{1f600}"),
        (br#"{"a":"\uZZ"}"#, "\u{fffd}ZZ"),
        (br#"{"a":"\x\'\/"}"#, "x'/"),
        (b"{\"a\":\"one\ntwo\t\x01\"}", "one\ntwo\t\u{1}"),
        (br#"{"a":"\u000a\\\""}"#, "\n\\\""),
    ] {
        assert_eq!(read(body), Ok(json!({"a": expected})), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn odd_values_leave_the_others_alone() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (sent, expected) in [
        ("1e999", json!(f64::MAX)),
        ("-1e999", json!(f64::MIN)),
        ("12345678901234567890123", json!("12345678901234567890123")),
        ("1e23", json!(1e23)),
        ("1-2", Value::Null),
        ("10293847561029384756", json!(10_293_847_561_029_384_756_u64)),
        ("0123", json!("0123")),
        ("-5", json!(-5)),
        ("3600.0", json!(3600.0)),
        ("NaN", Value::Null),
        ("{\"b\":[true,false,null]}", json!({"b": [true, false, null]})),
        ("[1,{},[]]", json!([1, {}, []])),
    ] {
        let body = format!(r#"{{"odd":{sent},"a":"b"}}"#);
        assert_eq!(read(body.as_bytes()), Ok(json!({"odd": expected, "a": "b"})), "{sent}");
    }
    let body = format!(r#"{{"deep":{deep},"a":"b"}}"#);
    assert_eq!(read(body.as_bytes()).expect("an object")["a"], "b");
}

#[test]
fn of_two_fields_with_one_name_the_last_that_says_anything_holds() {
    for (body, expected) in [
        (r#"{"a":"1","a":"2"}"#, json!("2")),
        (r#"{"a":"1","a":null}"#, json!("1")),
        (r#"{"a":"1","a":""}"#, json!("1")),
        (r#"{"a":null,"a":"2"}"#, json!("2")),
    ] {
        assert_eq!(read(body.as_bytes()).expect("an object")["a"], expected, "{body}");
    }
}

#[test]
fn what_is_no_json_is_told_for_what_it_is() {
    let half = gzip(br#"{"a":"b"}"#);
    for (body, expected) in [
        (&b""[..], NoJson::Empty),
        (b" \r\n", NoJson::Empty),
        (b"\0\0", NoJson::Other),
        (b"\xef\xbb\xbf", NoJson::Empty),
        (b"{\"a\":\"b", NoJson::Truncated),
        (b"{\"a\":\"b\\", NoJson::Truncated),
        (b"{\"a\":tru", NoJson::Truncated),
        (b"{\"a\"", NoJson::Truncated),
        (b"{", NoJson::Truncated),
        (b"[{}", NoJson::Truncated),
        (b"<html>", NoJson::Other),
        (b"OK", NoJson::Other),
        (b"{a:1}", NoJson::Other),
        (b"{\"a\" 1}", NoJson::Other),
        (&half[..half.len() / 2], NoJson::Truncated),
    ] {
        assert_eq!(read(body), Err(expected), "{}", text(body));
    }
    for body in ["[]", "[1]", "[{},{}]", "\"text\"", "7", "null"] {
        assert_eq!(object(body.as_bytes()), Err(NoJson::Other), "{body}");
    }
}

/// Unpacks in pieces of a byte each and in one: that must make no difference.
fn unpacked(encoding: &[&str], body: &[u8], limit: usize) -> Result<Vec<u8>, Unpackable> {
    let [whole, bytes] = [body.len().max(1), 1].map(|size| {
        let mut unpacking = Unpacking::new(encoding.iter().copied(), limit);
        let mut made = Vec::new();
        for (piece, has_ended) in body.chunks(size).map(|piece| (piece, false)).chain([(&b""[..], true)]) {
            let mut piece = Bytes::copy_from_slice(piece);
            loop {
                let some = unpacking.next(&mut piece, has_ended)?;
                if some.is_empty() {
                    break;
                }
                made.extend(some);
            }
        }
        Ok(made)
    });
    assert_eq!(whole, bytes, "{encoding:?}");
    whole
}

#[test]
fn what_is_packed_is_told_by_its_bytes_before_its_label() {
    let plain = br#"{"access_token":"AT1"}"#;
    let zlib = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    };
    let deflate = {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    };
    let (twice, zlib_in_gzip) = (gzip(&gzip(plain)), gzip(&zlib));
    let [padded, broken, zlib_padded, deflate_padded] =
        [(gzip(plain), &[0; 20][..]), (gzip(plain), b"\r\n0"), (zlib.clone(), b"\r\n"), (deflate.clone(), b"\n")]
            .map(|(packed, behind)| [&packed[..], behind].concat());
    let members = [gzip(&plain[..5]), gzip(&plain[5..])].concat();
    let gzip = gzip(plain);
    for (encoding, body) in [
        (&["gzip"][..], &gzip[..]),
        (&["GZip"], &gzip),
        (&["x-gzip"], &gzip),
        (&["identity, gzip"], &gzip),
        (&["identity", "gzip"], &gzip),
        (&["gzip"], &members),
        (&["gzip"], &padded),
        (&["gzip"], &broken),
        (&["deflate"], &zlib_padded),
        (&["deflate"], &deflate_padded),
        (&["deflate"], &zlib),
        (&["deflate"], &deflate),
        (&["deflate"], &gzip),
        (&["br"], &gzip),
        (&["gzip, gzip"], &twice),
        (&["gzip", "x-gzip"], &twice),
        (&["deflate, gzip"], &zlib_in_gzip),
        // The label of one packing, written down twice.
        (&["gzip, gzip"], &gzip),
        (&["br, gzip"], &gzip),
        (&["gzip, gzip"], plain),
        (&["gzip"], plain),
        (&["deflate"], plain),
        (&["br"], plain),
        (&["utf-8"], plain),
        (&[""], plain),
        (&[], plain),
    ] {
        assert_eq!(unpacked(encoding, body, 1000).as_deref(), Ok(&plain[..]), "{encoding:?}");
    }
    // A file that is packed itself stays as it is.
    assert_eq!(unpacked(&[], &gzip, 1000).as_deref(), Ok(&gzip[..]));
    for encoding in ["gzip", "deflate", "br", ""] {
        assert_eq!(unpacked(&[encoding], b"", 10).as_deref(), Ok(&b""[..]), "{encoding}");
        assert_eq!(unpacked(&[encoding], b"x", 10).as_deref(), Ok(&b"x"[..]), "{encoding}");
    }
}

/// However much a body holds, and however often that is packed.
#[test]
fn what_is_unpacked_comes_in_pieces_of_a_bounded_size() {
    let zeros = vec![0; 20_000_000];
    for (encoding, body) in [("gzip", gzip(&zeros)), ("gzip, gzip", gzip(&gzip(&zeros))), ("", zeros.clone())] {
        let mut unpacking = Unpacking::new([encoding].into_iter(), usize::MAX);
        let mut body = Bytes::from(body);
        let pieces: Vec<usize> =
            std::iter::from_fn(|| Some(unpacking.next(&mut body, true).expect("it is sound").len()))
                .take_while(|length| *length > 0)
                .collect();
        assert_eq!(pieces.iter().sum::<usize>(), zeros.len(), "{encoding}");
        assert!(pieces.iter().all(|length| *length <= 128 * 1024), "{encoding}: {:?}", pieces.iter().max());
    }
}

#[test]
fn what_cannot_be_unpacked_is_told_apart() {
    let bomb = gzip(&vec![b' '; 10_000_000]);
    assert_eq!(unpacked(&["gzip"], &bomb, 1000), Err(Unpackable::TooLarge));
    assert_eq!(unpacked(&[], b"too long", 3), Err(Unpackable::TooLarge));
    let packed = gzip(b"half of it");
    assert_eq!(unpacked(&["gzip"], &packed[..packed.len() - 9], 1000), Err(Unpackable::Truncated));
    let noise: Vec<u8> = (0..10_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let packed = gzip(&noise);
    for length in [3, 9, 10, 11, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        assert_eq!(unpacked(&["gzip"], &packed[..length], 100_000), Err(Unpackable::Truncated), "{length}");
    }
    assert_eq!(unpacked(&["br, gzip"], &gzip(b"\x8b\x0a\x80nothing"), 1000), Err(Unpackable::Encoding("br".into())));
    let many = ["gzip"; 9].join(", ");
    assert_eq!(unpacked(&[&many], b"\x8b\x0a\x80nothing", 1000), Err(Unpackable::Encoding(many.clone())));
    assert_eq!(unpacked(&["gzip"], b"\x1f\x8bnonsense that is no gzip", 1000), Err(Unpackable::Damaged));
    for (encoding, named) in [("br", "br"), ("ZSTD", "zstd"), ("compress", "compress"), ("gzip, br", "br")] {
        let named = Err(Unpackable::Encoding(named.to_owned()));
        assert_eq!(unpacked(&[encoding], b"\x8b\x0a\x80nothing", 1000), named, "{encoding}");
    }
}

#[test]
fn of_a_body_that_is_cut_off_the_beginning_is_read() {
    for (body, expected) in [
        (r#"{"code":3,"data":[{"a":1},{"b":"c"#, json!({"code": 3, "data": [{"a": 1}, {}]})),
        (r#"[2,{"errorCode":"X","sta"#, json!([2, {"errorCode": "X"}])),
        (r#"{"a":tru"#, json!({})),
        (r#"{"a":"b","code":30"#, json!({"a": "b"})),
        (r#"{"a":1}"#, json!({"a": 1})),
    ] {
        assert_eq!(beginning(body.as_bytes()), Ok(expected), "{body}");
    }
    assert_eq!(beginning(b"<html>"), Err(NoJson::Other));
    assert_eq!(beginning(b""), Err(NoJson::Empty));
}
