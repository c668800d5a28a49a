//! Records of every layout and order, good and bad.

use std::io::Write as _;

use super::*;
use proptest::prelude::*;

fn replay(source: ReplaySource) -> Replay {
    Replay { source: Some(source), ..Replay::default() }
}

fn write(text: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    file
}

fn jsonl(text: &str) -> Result<FileRecords, RecordsError> {
    FileRecords::look_through(write(text.as_bytes()).path(), &replay(ReplaySource::Jsonl(String::new())), Depth::Whole)
}

fn all(records: &FileRecords) -> Vec<String> {
    let mut reader = records.open();
    (0..records.count())
        .map(|number| {
            let mut out = Vec::new();
            assert!(reader.write(number, &mut out));
            String::from_utf8(out).unwrap()
        })
        .collect()
}

#[test]
fn lines_elements_and_rows_are_records() {
    let file = write(b"\xef\xbb\xbf{\"a\": 1}\n\n  {\"a\": \"x\\ny\"}\r\n{\"a\": 3}");
    let lines =
        FileRecords::look_through(file.path(), &replay(ReplaySource::Jsonl(String::new())), Depth::Whole).unwrap();
    assert_eq!(all(&lines), ["{\"a\": 1}", "{\"a\": \"x\\ny\"}", "{\"a\": 3}"]);
    let file = write(b" [ {\"a\": [1, \"],\\\"\"]},\n {\n \"b\": \"x y\"\n },3 , \"s,]\", null]\n ");
    let list =
        FileRecords::look_through(file.path(), &replay(ReplaySource::Json(String::new())), Depth::Whole).unwrap();
    assert_eq!(all(&list), ["{\"a\": [1, \"],\\\"\"]}", "{\"b\":\"x y\"}", "3", "\"s,]\"", "null"]);
    let file = write(b"id,name,price\n1,\"a \"\"b\"\", c\nd\",2.50\r\n007,,true\n");
    let rows = FileRecords::look_through(file.path(), &replay(ReplaySource::Csv(String::new())), Depth::Whole).unwrap();
    assert_eq!(
        all(&rows),
        ["{\"id\":1,\"name\":\"a \\\"b\\\", c\\nd\",\"price\":2.5}", "{\"id\":\"007\",\"name\":null,\"price\":true}"]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_number() {
    assert!(matches!(jsonl(""), Err(RecordsError::Empty)));
    assert!(matches!(jsonl("\n \n"), Err(RecordsError::Empty)));
    assert!(jsonl("{}\n{\"a\": }\n").unwrap_err().to_string().starts_with("event 2: not JSON"));
    for (text, why) in [
        ("", "it has no events"),
        ("[]", "it has no events"),
        ("{}", "it is no JSON list"),
        ("[1, 2", "element 2: the list is never closed"),
        ("[1,, 2]", "element 2: an element is missing"),
        ("[1] 2", "element 2: something stands behind"),
        ("[{\"a\": 1}, {b}]", "element 2: not JSON"),
    ] {
        let file = write(text.as_bytes());
        let told = FileRecords::look_through(file.path(), &replay(ReplaySource::Json(String::new())), Depth::Whole);
        let told = told.unwrap_err().to_string();
        assert!(told.starts_with(why), "{text}: {told}");
    }
    let file = write(b"a,b\n1\n");
    let told = FileRecords::look_through(file.path(), &replay(ReplaySource::Csv(String::new())), Depth::Whole);
    assert_eq!(told.unwrap_err().to_string(), "row 1: it has 1 values under 2 names");
}

#[test]
fn a_limit_ends_the_looking() {
    let file = write(b"1\n2\n3\nnot json\n");
    let replay = Replay { limit: Some(2), ..replay(ReplaySource::Jsonl(String::new())) };
    assert_eq!(all(&FileRecords::look_through(file.path(), &replay, Depth::Whole).unwrap()), ["1", "2"]);
}

#[test]
fn records_far_apart_are_found_from_the_places_in_between() {
    let mut text = String::new();
    (0..20_000)
        .for_each(|number| text.push_str(&format!("{{\"n\": {number}, \"pad\": \"{:>1$}\"}}\n", "", number % 50)));
    let file = write(text.as_bytes());
    let records =
        FileRecords::look_through(file.path(), &replay(ReplaySource::Jsonl(String::new())), Depth::Whole).unwrap();
    for step in [1_u64, 7, 999] {
        let mut reader = records.open();
        for number in (0..20_000).step_by(step as usize) {
            let mut out = Vec::new();
            assert!(reader.write(number, &mut out));
            assert!(out.starts_with(format!("{{\"n\": {number},").as_bytes()));
        }
        let mut out = Vec::new();
        assert!(reader.write(3, &mut out) && out.starts_with(b"{\"n\": 3,"), "back to the beginning");
    }
}

#[test]
fn events_stand_in_the_order_of_their_own_time() {
    let lines = "\
{\"timestamp\": \"2026-01-01T00:00:05Z\", \"n\": 5}
{\"timestamp\": 1767225601, \"n\": 1}
{\"timestamp\": 1767225603000, \"n\": 3}
";
    let by_time = Replay { order: ReplayOrder::EventTime, ..replay(ReplaySource::Jsonl(String::new())) };
    let file = write(lines.as_bytes());
    let records = FileRecords::look_through(file.path(), &by_time, Depth::Whole).unwrap();
    let numbers: Vec<char> = all(&records).iter().map(|text| text.chars().rev().nth(1).unwrap()).collect();
    assert_eq!(numbers, ['1', '3', '5']);
    let (first, last) = records.span().unwrap();
    assert_eq!((last.0 - first.0, records.open().moment(1).unwrap().0 - first.0), (4_000_000, 2_000_000));
    // The two earliest, wherever they stand.
    let two = Replay { limit: Some(2), ..by_time.clone() };
    let records = FileRecords::look_through(file.path(), &two, Depth::Whole).unwrap();
    assert_eq!(records.count(), 2);
    assert!(all(&records)[1].contains("\"n\": 3"));
    for (text, why) in
        [("{\"n\": 1}", "has no time at $.timestamp"), ("{\"timestamp\": \"noon\"}", "`noon` at $.timestamp")]
    {
        let told =
            FileRecords::look_through(write(text.as_bytes()).path(), &by_time, Depth::Whole).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_told() {
    let file = write(&b"{\"a\": \"some text that takes room\"}\n".repeat(30_000));
    let records =
        FileRecords::look_through(file.path(), &replay(ReplaySource::Jsonl(String::new())), Depth::Whole).unwrap();
    let mut reader = records.open();
    assert!(reader.write(0, &mut Vec::new()));
    assert_eq!(records.trouble(), None);
    file.as_file().set_len(1_000).unwrap();
    assert!(!reader.write(29_000, &mut Vec::new()));
    assert!(records.trouble().unwrap().contains("record 29001"), "{:?}", records.trouble());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::fuzz::cases(64)))]

    #[test]
    fn any_list_comes_back_element_by_element(
        texts in prop::collection::vec("[ -~\\\\\"\\[\\]{},\n]{0,40}", 1..20),
        pretty in any::<bool>(),
    ) {
        let values: Vec<serde_json::Value> =
            texts.iter().map(|text| serde_json::json!({"t": text, "deep": [[text], {"x": text}]})).collect();
        let list = serde_json::Value::from(values.clone());
        let text = if pretty { serde_json::to_vec_pretty(&list) } else { serde_json::to_vec(&list) }.unwrap();
        let file = write(&text);
        let records =
            FileRecords::look_through(file.path(), &replay(ReplaySource::Json(String::new())), Depth::Whole).unwrap();
        let back: Vec<serde_json::Value> =
            all(&records).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(back, values);
    }
}
