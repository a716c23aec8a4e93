//! Tests over all figures: the same bytes twice, sound bitmaps, useful errors.

use super::{FigureError, figure, figures};
use crate::page::{PageOptions, html};
use crate::samples::{self, Traffic, synthetic};

#[test]
fn the_same_tables_give_the_same_bytes() {
    let make = || {
        let tables = synthetic(60, 400, 10_000_000, Traffic::Communities);
        let mut files = crate::tables::files(&tables);
        for name in figures() {
            files.extend(figure(name, &tables).expect("the figure is known"));
        }
        files.push((
            "index.html".to_owned(),
            html(&tables, &PageOptions::default()).into_bytes(),
        ));
        files
    };
    for (one, two) in make().into_iter().zip(make()) {
        assert!(one == two, "{} differs", one.0);
    }
}

#[test]
fn every_figure_has_its_picture_as_svg_and_png() {
    let tables = samples::hostile();
    for name in figures() {
        let files = figure(name, &tables).expect("the figure is known");
        let names: Vec<&str> = files.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(names[..2], [format!("{name}.svg"), format!("{name}.png")]);
        assert!(
            files
                .iter()
                .all(|(file, bytes)| file.starts_with(name) && !bytes.is_empty())
        );
        assert!(files[1].1.starts_with(b"\x89PNG"));
    }
}

#[test]
fn an_unknown_figure_is_named_with_the_known_ones() {
    let error = figure("lines", &samples::lanes()).expect_err("there is no such figure");
    assert_eq!(
        error,
        FigureError::Unknown {
            name: "lines".to_owned()
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("`lines`") && text.contains("lanes, flow"),
        "{text}"
    );
}

#[test]
fn a_hundred_thousand_chains_fit_on_one_page() {
    let tables = synthetic(100_000, 60_000, 60_000_000, Traffic::Uniform);
    let page = html(&tables, &PageOptions::default());
    assert!(page.contains("99,980 others"));
    assert!(page.contains("100,000 chains in 20 ranges"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}
