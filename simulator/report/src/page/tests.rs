//! Tests of the page: it stands alone, and hostile names stay text.

use super::{PageOptions, html};
use crate::samples;

#[test]
fn the_page_needs_nothing_else_and_has_no_script() {
    let options = PageOptions {
        command: "microchains run lanes.toml --seed 42 > \"x\"".to_owned(),
        files: vec!["lanes.svg".to_owned(), "javascript:alert(1)".to_owned()],
        ..PageOptions::default()
    };
    let page = html(&samples::hostile(), &options);
    assert!(!page.contains("<script"), "no script may get in");
    for outside in ["http-equiv", "@import", "url(", "src=", "<link"] {
        assert!(!page.contains(outside), "{outside} would load something");
    }
    let links: Vec<&str> = page.split("href=\"").skip(1).collect();
    assert!(links.iter().all(|link| link.starts_with("./")));
    assert!(page.contains("./javascript%3Aalert%281%29"));
    assert!(page.contains("--seed 42 &gt; &quot;x&quot;"));
}

#[test]
fn the_page_answers_first_whether_it_held() {
    let page = html(&samples::failing(), &PageOptions::default());
    let at = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} is missing"))
    };
    assert!(at(">FAIL</span>lanes@42") < at("no bid is refused"));
    assert!(
        at("no bid is refused") < at("I-1 CommitAgreement"),
        "failures come first"
    );
    assert!(at("I-1 CommitAgreement") < at("Key numbers"));
    assert!(at("Key numbers") < at("Message flow over time"));
    assert!(page.contains("4 accepted</b>1 rejected, 2 waiting, 1 in flight"));
}
