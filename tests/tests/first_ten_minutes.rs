//! Types the commands of the README: its `sh` blocks run one after the other in an empty folder, each as a script that stops at the first
//! error.

use tacit_tests::documents::{Block, blocks, text};
use tacit_tests::standing_cluster::Workplace;

#[test]
fn the_first_ten_minutes_of_the_readme() {
    let blocks = blocks("README.md");
    let (try_it, others): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|block| block.heading == "Try it");
    let [try_it] = try_it.as_slice() else {
        panic!("two commands, in one block")
    };
    assert_eq!(try_it.script.lines().count(), 2);
    // CI runs the second command, and this test is part of it.
    assert!(text(".ci/run").contains("cargo test --workspace --locked"));
    assert!(try_it.script.contains("cargo test --workspace --locked"));

    let headings: Vec<&str> = others.iter().map(|block| block.heading.as_str()).collect();
    assert_eq!(
        headings,
        ["The first ten minutes", "A buyer", "Contributors", "The buyer again", "An operator"]
    );
    let workplace = Workplace::make();
    let output: Vec<String> = others.iter().map(|block| workplace.bash(&block.script).ok()).collect();
    assert!(
        output[0].starts_with("started: node-1, node-2, node-3, coordinator, page\n"),
        "{}",
        output[0]
    );
    // The page of which the README tells.
    let page = output[0].lines().find_map(|line| line.strip_prefix("page ")).unwrap().trim();
    assert!(page.starts_with("http://127.0.0.1:"), "{page}");
    // The buyer's public key, then the id of the job.
    assert!(output[1].contains("\nsigns\n"), "{}", output[1]);
    for name in ["alice", "bob"] {
        assert!(output[2].contains(&format!("signs: 3 new answers of {name} sent")), "{}", output[2]);
    }
    let last = &output[3];
    assert!(last.contains("signs published: 2 submissions with 6 answers"), "{last}");
    // In a tie, the label is the class that is listed first.
    assert!(last.contains("item,label\nsign-1,stop\nsign-2,yield\nsign-3,stop\n"), "{last}");
    assert!(last.contains("verified"), "{last}");
    assert!(last.contains("certified: 3 of your 3 answers count"), "{last}");
    assert!(last.contains("stopped: page, coordinator, node-1, node-2, node-3;"), "{last}");
    assert_eq!(workplace.processes(), []);
    let card = std::fs::read_to_string(workplace.folder().join("node-4.card.toml")).unwrap();
    assert!(card.contains("node-4.example.org:4433"), "{card}");
}
