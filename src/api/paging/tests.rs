use std::collections::HashSet;

use url::Url;

use super::{LONGEST, LONGEST_NAME, Page, Trail};
use crate::providers::answers::paging::{self, Paging};

const HERE: &str = "https://api.example.com/list";

/// Where the list goes on, the same in pieces of any size.
#[track_caller]
fn next(paging: &'static Paging, url: &str, body: &[u8], link: &str) -> Result<Option<String>, String> {
    let url: Url = url.parse().expect(url);
    let headers = [("x".to_owned(), "y".to_owned()), ("Link".to_owned(), link.to_owned())];
    let in_pieces = |size: usize| {
        let mut page = Page::new(paging, &headers);
        body.chunks(size).for_each(|piece| page.push(piece));
        page.end();
        page.next(&url).map(|next| next.map(|url| url.to_string()))
    };
    let whole = in_pieces(body.len().max(1));
    for size in [1, 2, 7] {
        assert_eq!(in_pieces(size), whole, "in pieces of {size}");
    }
    whole
}

#[test]
fn each_dialect_leads_on_in_its_way() {
    let (crm, books, desk, mail) = (&paging::CRM, &paging::BOOKS, &paging::DESK, &paging::MAIL);
    let (projects, cliq, google, microsoft) = (&paging::PROJECTS, &paging::CLIQ, &paging::GOOGLE, &paging::MICROSOFT);
    for (paging, query, body, expected) in [
        (crm, "?a=1", r#"{"data":[],"info":{"more_records":true}}"#, Some("?a=1&page=2")),
        (crm, "?page=9&a=%2f", r#"{"info":{"more_records":true,"next_page_token":null}}"#, Some("?a=%2f&page=10")),
        (
            crm,
            "?page=1&a=b",
            r#"{"info":{"more_records":true,"next_page_token":"x+/y"}}"#,
            Some("?a=b&page_token=x%2B%2Fy"),
        ),
        (crm, "?page_token=x", r#"{"info":{"next_page_token":"y","more_records":true}}"#, Some("?page_token=y")),
        (crm, "", r#"{"info":{"more_records":false,"next_page_token":"x"}}"#, None),
        (crm, "", r#"{"data":[{"info":{"more_records":true}}],"info":{"more_records":false}}"#, None),
        (crm, "", r#"{"data":[{"more_records":true}]}"#, None),
        (crm, "", r#"{"a":{"info":{"more_records":true}}}"#, None),
        (books, "?page=3", r#"{"page_context":{"page":3,"has_more_page":true}}"#, Some("?page=4")),
        (books, "", r#"{"page_context":{"has_more_page":false}}"#, None),
        (books, "?organization_id=7", r#"{"page_context":{"has_more_page":true}}"#, Some("?organization_id=7&page=2")),
        (desk, "", r#"{"data":[{"a":[1,2]},{},[]]}"#, Some("?from=3")),
        (desk, "?from=10&limit=2", r#"{"data":[1,2]}"#, Some("?limit=2&from=12")),
        (desk, "?from=10", r#"{"data":[]}"#, None),
        (desk, "", "", None),
        (desk, "", r#"{"id":"1"}"#, None),
        (mail, "?limit=2", r#"{"status":{"code":200},"data":[{},{}]}"#, Some("?limit=2&start=3")),
        (mail, "?start=3&limit=2", r#"{"data":[{}]}"#, Some("?limit=2&start=4")),
        (projects, "", r#"{"page_info":{"has_next_page":"true"}}"#, Some("?page=2")),
        (projects, "", r#"{"page_info":{"has_next_page":"false"}}"#, None),
        (cliq, "?limit=1", r#"{"next_token":"MTIz","data":[]}"#, Some("?limit=1&next_token=MTIz")),
        (cliq, "?next_token=MTIz", r#"{"next_token":"","data":[]}"#, None),
        (google, "", r#"{"nextPageToken":"t","items":[]}"#, Some("?pageToken=t")),
        (microsoft, "", r#"{"@odata.nextLink":"https://api.example.com/list?$skip=2#x"}"#, Some("?$skip=2")),
        (microsoft, "", r#"{"value":[]}"#, None),
    ] {
        let expected = expected.map(|query| format!("{HERE}{query}"));
        assert_eq!(next(paging, &format!("{HERE}{query}"), body.as_bytes(), ""), Ok(expected), "{query} {body}");
    }
}

#[test]
fn the_header_link_leads_on() {
    for (link, expected) in [
        (r#"<https://api.example.com/list?page=2>; rel="next""#, Some("https://api.example.com/list?page=2")),
        (r"</list?page=2>;rel=next", Some("https://api.example.com/list?page=2")),
        (r#"<?page=2>; title="a, <b>; rel=prev"; REL="Next last""#, Some("https://api.example.com/list?page=2")),
        (r#"</a>; rel="prev", </b>; rel="next", </c>; rel="last""#, Some("https://api.example.com/b")),
        (r#"</a>; rel="first"; rel="next""#, None),
        (r#"</a>; rel="nextish""#, None),
        (r#"</a>; rel="pre\"next""#, None),
        ("</a>", None),
        ("</a; rel=next", None),
        ("", None),
        (r"<https://elsewhere.example/b>; rel=next", Some("https://elsewhere.example/b")),
    ] {
        assert_eq!(next(&paging::LINK, HERE, b"[]", link), Ok(expected.map(str::to_owned)), "{link}");
    }
    for link in ["<http://api.example.com/list?page=2>; rel=next", "<ftp://x/>; rel=next", "<https://>; rel=next"] {
        assert!(next(&paging::LINK, HERE, b"[]", link).is_err(), "{link}");
    }
}

#[test]
fn what_is_no_json_or_without_end_leads_nowhere() {
    let endless = format!(r#"{{"info":{{"more_records":true,"next_page_token":"{}"}}}}"#, "x".repeat(LONGEST));
    let error = next(&paging::CRM, HERE, endless.as_bytes(), "").expect_err("too long");
    assert!(error.contains("is longer than"), "{error}");
    let mut page = Page::new(&paging::CRM, &[]);
    page.push(b"<html>");
    assert!(!page.is_json() && !page.end() && page.is_in_body());
    for (body, is_one) in [("{}", true), ("{}{}", false), ("{", false), ("", false), (" [1] \n", true), ("1", true)] {
        let mut page = Page::new(&paging::LINK, &[]);
        page.push(body.as_bytes());
        assert_eq!(page.end(), is_one, "{body}");
    }
}

#[test]
fn of_what_is_long_little_is_kept_however_it_is_written() {
    for plain in ["x", r"\n", r"\u0078"] {
        let long = plain.repeat(4 * LONGEST);
        let mut page = Page::new(&paging::CRM, &[]);
        page.push(format!(r#"{{"info":{{"next_page_token":"{long}","#).as_bytes());
        page.push(format!(r#""{long}":1,"{long}"#).as_bytes());
        let texts = page.found.texts.iter().map(|(_, text)| text.len()).max();
        let names = page.found.open.iter().flatten().map(Vec::len).max();
        assert_eq!((texts, names), (Some(LONGEST + 1), Some(LONGEST_NAME + 1)), "{plain}");
    }
    // Nobody asked for what is called so.
    let odd = format!(r#"{{"{}":1,"info":{{"more_records":true}}}}"#, r"\n".repeat(LONGEST));
    assert_eq!(next(&paging::CRM, HERE, odd.as_bytes(), ""), Ok(Some(format!("{HERE}?page=2"))));
}

#[test]
fn a_circle_of_any_length_is_found_before_long() {
    for (lead, circle) in [(0, 1), (0, 2), (1, 3), (5, 7), (100, 64)] {
        let mut trail = Trail::default();
        let mut seen = HashSet::new();
        let url = |step: u64| format!("{HERE}?{}", if step < lead { step } else { lead + (step - lead) % circle });
        let steps = (0..10_000).take_while(|step| trail.go_to(&url(*step).parse().expect("an address"))).count();
        seen.extend((0..steps as u64).map(url));
        assert!(seen.len() as u64 == lead + circle && steps as u64 <= 4 * (lead + circle), "{lead} {circle}: {steps}");
    }
    let mut trail = Trail::default();
    assert!((0..10_000).all(|step| trail.go_to(&format!("{HERE}?{step}").parse().expect("an address"))));
    assert!(trail.arrive(b"a") && trail.arrive(b"b") && !trail.arrive(b"b") && trail.arrive(b"a"));
}
