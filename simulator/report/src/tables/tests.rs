//! Tests of the tables: they read back, and the dictionary fits them.

use super::*;
use crate::samples;

#[test]
fn every_csv_reads_back_with_all_rows_and_the_columns_of_the_schema() {
    let tables = samples::hostile();
    let files = files(&tables);
    let find = |name: &str| {
        let file = files
            .iter()
            .find(|(file, _)| file == name)
            .expect("the file is listed");
        String::from_utf8(file.1.clone()).expect("UTF-8")
    };
    let schema: serde_json::Value =
        serde_json::from_str(&find("tables/schema.json")).expect("valid JSON");
    let listed = schema["tables"].as_array().expect("a list");
    assert_eq!(listed.len(), 9);
    for table in listed {
        let text = find(&format!(
            "tables/{}",
            table["file"].as_str().expect("a name")
        ));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader
            .headers()
            .expect("a header")
            .iter()
            .map(str::to_owned)
            .collect();
        let columns: Vec<&str> = table["columns"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|c| c["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(header, columns);
        let rows = reader.records().filter(|row| row.is_ok()).count();
        assert_eq!(
            Some(rows),
            table["rows"].as_u64().and_then(|n| usize::try_from(n).ok())
        );
    }
    let mut reader =
        csv::Reader::from_reader(find("tables/messages.csv").into_bytes().leak() as &[u8]);
    let first = reader
        .records()
        .next()
        .expect("a row")
        .expect("well-formed");
    assert_eq!(first.get(1), Some("<script>alert('1')</script>"));
}

#[test]
fn the_dictionary_names_every_column() {
    let files = files(&samples::lanes());
    let text = String::from_utf8(files.last().expect("README is last").1.clone()).expect("UTF-8");
    assert!(text.contains("| `delivered_quorum_us` | integer |"));
    assert!(text.contains("## expectations.csv"));
}
