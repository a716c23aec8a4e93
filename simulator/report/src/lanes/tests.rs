//! Tests of the lanes picture: what is drawn, that it adds up, and that hostile names stay names.

use resvg::usvg::roxmltree::Document;

use super::{Counts, LanesOptions, counts, svg};
use crate::samples::{self, Traffic, synthetic};
use crate::text::int;

fn parsed(text: &str) -> Document<'_> {
    Document::parse(text).expect("the picture is well-formed XML")
}

/// The title of the element with this id.
fn title_of(document: &Document<'_>, id: &str) -> Option<String> {
    let node = document
        .descendants()
        .find(|node| node.attribute("id") == Some(id))?;
    node.children()
        .find(|child| child.has_tag_name("title"))?
        .text()
        .map(str::to_owned)
}

#[test]
fn every_block_and_message_is_an_element_with_its_handle() {
    let tables = samples::lanes();
    let text = svg(&tables, &LanesOptions::default());
    let document = parsed(&text);
    for id in ["A:0", "A:1", "B:0", "B:1", "C:0", "C:1", "D:3"] {
        assert!(title_of(&document, id).is_some(), "no block {id}");
    }
    let bid = title_of(&document, "B:1/0").expect("the bid is drawn");
    assert_eq!(
        bid,
        "B:1/0 bid 3: B → D; sent 670 ms, in inbox 705 ms, received 870 ms; swap, tracked; rejected"
    );
    let block = title_of(&document, "C:0").expect("the block is drawn");
    assert_eq!(
        block,
        "C:0  proposed 470 ms by c, confirmed 560 ms (ml-0)  1 in · ml-0"
    );
}

#[test]
fn the_legend_has_what_occurs_and_nothing_else() {
    let all = svg(&samples::failing(), &LanesOptions::default());
    let marks = [
        "not the fast round",
        "block still pending at the end",
        ">rejected<",
        "bouncing back",
        "still waiting at the end",
        "still in flight at the end",
        ">fault<",
        "first violation of an expectation",
    ];
    for mark in marks {
        assert!(all.contains(mark), "{mark} is missing");
    }
    let mut plain = samples::lanes();
    plain.messages.truncate(1);
    plain.faults.clear();
    plain.blocks.retain(|block| block.round == "fast");
    let few = svg(&plain, &LanesOptions::default());
    for mark in marks {
        assert!(!few.contains(mark), "{mark} does not occur");
    }
    assert!(!all.contains("folded"), "nothing is folded here");
}

#[test]
fn a_message_is_drawn_at_its_three_instants() {
    let mut tables = samples::lanes();
    tables.messages.truncate(1);
    let text = svg(&tables, &LanesOptions::default());
    // 1 s over 1,010 px from 86 px on: sent at 130 ms, in the inbox at 160 ms; the block that
    // takes it in is proposed at 250 ms.
    let sent = 86 * 10 + 130 * 10_100 / 1_000;
    let inbox = 86 * 10 + 160 * 10_100 / 1_000;
    let from = crate::text::dp(sent);
    let to = crate::text::dp(inbox);
    let document = parsed(&text);
    let group = document
        .descendants()
        .find(|node| node.attribute("id") == Some("A:0/0"))
        .expect("the message is drawn");
    let slant = group
        .children()
        .find(|child| child.has_tag_name("path"))
        .and_then(|path| path.attribute("d"))
        .expect("a message starts with its slant");
    assert!(
        slant.starts_with(&format!("M{from} ")),
        "{slant} does not start at {from}"
    );
    assert!(
        slant.contains(&format!("L{to} ")),
        "{slant} does not reach {to}"
    );
}

#[test]
fn hostile_names_stay_text() {
    let text = svg(&samples::hostile(), &LanesOptions::default());
    let document = parsed(&text);
    assert!(
        document
            .descendants()
            .all(|node| !node.has_tag_name("script"))
    );
    assert!(document.descendants().all(|node| !node.has_tag_name("x")));
    let id = "<script>alert('1')</script>:0";
    assert!(
        document
            .descendants()
            .any(|node| node.attribute("id") == Some(id))
    );
}

fn adds_up(counts: &Counts, chains: usize, blocks: usize, messages: usize) {
    assert_eq!(counts.chains_drawn + counts.chains_folded, chains);
    assert_eq!(
        counts.blocks_drawn + counts.blocks_folded + counts.blocks_outside,
        blocks
    );
    let drawn = counts.messages_drawn + counts.messages_stubbed;
    assert_eq!(
        drawn + counts.messages_folded + counts.messages_outside,
        messages
    );
}

#[test]
fn drawn_and_folded_add_up_at_every_size() {
    let windows = [None, Some((1_000_000, 2_000_000))];
    for (chains, sends) in [(4, 30), (40, 100), (41, 100), (8, 9_000), (1_000, 3_000)] {
        let tables = synthetic(chains, sends, 10_000_000, Traffic::Communities);
        for window_us in windows {
            let options = LanesOptions {
                window_us,
                ..LanesOptions::default()
            };
            let counts = counts(&tables, &options);
            adds_up(&counts, chains, tables.blocks.len(), tables.messages.len());
            let text = svg(&tables, &options);
            let document = parsed(&text);
            let handles = document
                .descendants()
                .filter_map(|node| node.attribute("id"))
                .filter(|id| id.contains(':'));
            let (messages, blocks): (Vec<&str>, Vec<&str>) =
                handles.partition(|id| id.rsplit_once(':').is_some_and(|(_, n)| n.contains('/')));
            assert_eq!(blocks.len(), counts.blocks_drawn);
            assert_eq!(
                messages.len(),
                counts.messages_drawn + counts.messages_stubbed
            );
        }
    }
}

#[test]
fn the_sentence_says_what_is_folded() {
    let tables = synthetic(1_000, 3_000, 10_000_000, Traffic::Uniform);
    let text = svg(&tables, &LanesOptions::default());
    let desc = parsed(&text)
        .descendants()
        .find(|node| node.has_tag_name("desc"))
        .and_then(|node| node.text().map(str::to_owned))
        .expect("a picture describes itself");
    assert!(
        desc.contains("20 with a lane, 980 folded into the lowest lane."),
        "{desc}"
    );
    assert!(text.contains(">980 others<"));
}

#[test]
fn chosen_chains_get_the_lanes() {
    let tables = synthetic(1_000, 3_000, 10_000_000, Traffic::Uniform);
    let chains = vec!["user/7".to_owned(), "user/500".to_owned()];
    let options = LanesOptions {
        chains,
        ..LanesOptions::default()
    };
    let counts = counts(&tables, &options);
    assert_eq!((counts.chains_drawn, counts.chains_folded), (2, 998));
    adds_up(&counts, 1_000, tables.blocks.len(), tables.messages.len());
}

#[test]
fn squeezing_marks_what_it_leaves_out() {
    let mut tables = samples::lanes();
    let late = tables
        .blocks
        .iter_mut()
        .find(|b| b.chain == "D")
        .expect("D has a block");
    late.proposed_us += 60_000_000;
    late.confirmed_us = late.confirmed_us.map(|at| at + 60_000_000);
    tables.messages.retain(|m| m.src != "D" && m.dst != "D");
    tables.run.virtual_us = 61_000_000;
    let linear = svg(&tables, &LanesOptions::default());
    assert!(!linear.contains("squeezed"));
    let options = LanesOptions {
        squeeze_idle: true,
        ..LanesOptions::default()
    };
    assert!(svg(&tables, &options).contains("Idle stretches are squeezed"));
}

#[test]
fn an_empty_run_is_a_picture_too() {
    let text = svg(
        &analysis::tables::Tables::default(),
        &LanesOptions::default(),
    );
    assert!(text.contains("0 chains, 0 blocks and 0 messages: all drawn."));
    parsed(&text);
}

#[test]
fn labels_are_clear_of_boxes_and_of_each_other() {
    let text = svg(&samples::lanes(), &LanesOptions::default());
    let document = parsed(&text);
    let number = |node: &resvg::usvg::roxmltree::Node<'_, '_>, name: &str| {
        node.attribute(name)
            .and_then(|n| n.split('.').next()?.parse::<i64>().ok())
    };
    let mut areas: Vec<[i64; 4]> = Vec::new();
    for node in document.descendants() {
        let named = node.parent().is_some_and(|p| p.attribute("id").is_some());
        if node.has_tag_name("rect") && named && node.attribute("rx").is_some() {
            let (x, y) = (number(&node, "x"), number(&node, "y"));
            let (w, h) = (number(&node, "width"), number(&node, "height"));
            if let (Some(x), Some(y), Some(w), Some(h)) = (x, y, w, h) {
                areas.push([x, y, x + w, y + h]);
            }
        }
    }
    assert_eq!(areas.len(), 7);
    let labels = document.descendants().filter(|node| {
        node.has_tag_name("text")
            && node.attribute("paint-order").is_some()
            && node.attribute("fill") == Some(crate::svg::INK)
    });
    for node in labels {
        let (x, y) = (
            number(&node, "x").expect("x"),
            number(&node, "y").expect("y"),
        );
        let width = crate::text::text_width(node.text().unwrap_or_default(), 105, false) / 10;
        let area = [x, y - 8, x + width, y + 2];
        let free = areas.iter().all(|other| {
            area[2] <= other[0] || other[2] <= area[0] || area[3] <= other[1] || other[3] <= area[1]
        });
        assert!(free, "{:?} lies on something", node.text());
        areas.push(area);
    }
    assert_eq!(int(areas.len()), 14);
}

#[test]
fn the_picture_of_the_sample_is_the_reviewed_one() {
    insta::assert_snapshot!("lanes", svg(&samples::failing(), &LanesOptions::default()));
}
