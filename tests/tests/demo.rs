//! `tacit demo` on its own data set prints what README.md shows, `--explain` shows shares that add up, and `--report` writes a page.
//!
//! The output is the same in every run, except for times: contributors are listed by name, and agreement, totals, labels and pay follow from the
//! answers. With `TACIT_WRITE_DOCS=1` the test writes the output into README.md.

use std::path::Path;
use std::process::{Command, Stdio};

use tacit_mpc_core::field::{Field, Fp61};
use tacit_tests::programs::{Output, demo, program};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
/// How the block with the output begins.
const BLOCK: &str = "```text\ndices350: ";

/// The output with a placeholder for each time, in the table of phases.
fn without_times(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let header = lines
        .iter()
        .position(|line| line.starts_with("│ phase "))
        .expect("a table of times");
    let width = lines[header].split('┆').next().unwrap().chars().count() - 1;
    let border = |corners: [char; 3], line: &str| {
        let [left, middle, right] = corners;
        format!("{left}{}{middle}{}{right}", line.repeat(width), line.repeat(8))
    };
    let mut shown: Vec<String> = Vec::new();
    let (mut in_table, mut times) = (false, 0);
    for (index, line) in lines.iter().enumerate() {
        in_table |= index + 1 == header;
        let name = line.split('┆').next().unwrap_or_default();
        shown.push(match line.chars().next() {
            Some('┌') if in_table => border(['┌', '┬', '┐'], "─"),
            Some('╞') if in_table => border(['╞', '╪', '╡'], "═"),
            Some('└') if in_table => border(['└', '┴', '┘'], "─"),
            Some('│') if index == header => format!("{name}┆   time │"),
            Some('│') if in_table => {
                let time = line.rsplit('┆').next().unwrap().trim_matches(['│', ' ']);
                let seconds = time.strip_suffix(" s").and_then(|seconds| seconds.parse::<f64>().ok());
                assert!(seconds.is_some_and(|seconds| seconds >= 0.0), "{line}");
                times += 1;
                format!("{name}┆ x.xx s │")
            }
            _ => (*line).to_owned(),
        });
        in_table &= !line.starts_with('└');
    }
    assert!(times > 3, "{output}");
    shown.join("\n") + "\n"
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let folder = tempfile::tempdir().unwrap();
    let output: Output = Command::new(program("tacit"))
        .arg("demo")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into();
    let printed = without_times(&output.ok());
    let readme = std::fs::read_to_string(README).unwrap();
    let begin = readme.find(BLOCK).expect("the block of the output") + "```text\n".len();
    let length = readme[begin..].find("```").unwrap();
    if std::env::var_os("TACIT_WRITE_DOCS").is_some() {
        std::fs::write(README, format!("{}{printed}{}", &readme[..begin], &readme[begin + length..])).unwrap();
        return;
    }
    assert_eq!(
        &readme[begin..begin + length],
        printed,
        "README.md shows another output: run this test with TACIT_WRITE_DOCS=1"
    );
}

/// The rows of the table below a title: their first cells, and the numbers in the others.
fn rows(text: &str, title: &str) -> Vec<(String, Vec<Fp61>)> {
    let (_, after) = text
        .split_once(&format!("\n{title}\n"))
        .unwrap_or_else(|| panic!("{title}: {text}"));
    let table = after.lines().skip_while(|line| !line.starts_with('╞')).skip(1);
    let rows = table.take_while(|line| line.starts_with('│'));
    let row = |line: &str| {
        let mut cells = line.trim_matches('│').split('┆').map(str::trim);
        let name = cells.next().unwrap().to_owned();
        let element = |cell: &str| Fp61::from_canonical(cell.parse().unwrap()).unwrap_or_else(|| panic!("{cell}"));
        (name, cells.map(element).collect())
    };
    rows.map(row).collect()
}

fn sum(rows: &[(String, Vec<Fp61>)]) -> Vec<Fp61> {
    let mut sum = vec![Fp61::ZERO; rows[0].1.len()];
    rows.iter().for_each(|(_, row)| Fp61::add_vector(&mut sum, row));
    sum
}

const SCRIPT: &str = "<script>alert(1)</script>";

/// The output of `--explain --report` on four answers with a class that is markup, and the page.
fn explained(folder: &Path, shape: &[&str]) -> (String, String) {
    let (answers, page) = (folder.join("votes.csv"), folder.join("page.html"));
    let text = format!("item,contributor,answer\ni,u,{SCRIPT}\nj,u,b\ni,v,c\nj,v,b\nj,v,c\n");
    std::fs::write(&answers, text).unwrap();
    let files = [
        "--answers",
        answers.to_str().unwrap(),
        "--explain",
        "--report",
        page.to_str().unwrap(),
    ];
    let printed = demo(&folder.join("out"), &[&files, shape].concat()).ok();
    (printed, std::fs::read_to_string(page).unwrap())
}

#[test]
fn the_shares_that_are_shown_add_up_to_the_answer_and_node_1_lacks_some() {
    let folder = tempfile::tempdir().unwrap();
    for (shape, shares, lacking) in [(&[][..], 3, 1), (&["--nodes", "5", "--threshold", "2"], 10, 4)] {
        let (text, page) = explained(folder.path(), shape);
        assert!(text.contains(&format!("u answered `{SCRIPT}` to i:")), "{text}");
        let made = rows(&text, "One answer, as the contributor's device shared it");
        assert_eq!(made.len(), shares + 1, "{text}");
        let one_hot = [1, 0, 0].map(Fp61::reduce);
        assert_eq!(sum(&made[..shares]), one_hot);
        assert_eq!(made[shares], ("sum".to_owned(), one_hot.to_vec()));

        let held = rows(&text, "What node-1 holds of it");
        let (total, held) = held.split_last().unwrap();
        assert_eq!(held.len(), shares - lacking);
        assert!(held.iter().all(|row| made.contains(row) && row.0.starts_with("nodes 1,")), "{text}");
        assert_eq!(total.1, sum(held));
        assert!(total.1.iter().all(|element| element.to_u64() > 1), "{text}");

        // Whatever was answered, some shares of the other nodes fit. In truth these are theirs.
        let fits = rows(&text, "Why node-1 does not know the answer");
        assert_eq!(fits.len(), 3);
        for (class, (_, row)) in fits.iter().enumerate() {
            let mut answer = row.clone();
            Fp61::add_vector(&mut answer, &total.1);
            let due: Vec<Fp61> = (0..3).map(|other| Fp61::reduce(u64::from(other == class))).collect();
            assert_eq!(answer, due);
        }
        let others: Vec<_> = made[..shares].iter().filter(|row| !held.contains(row)).cloned().collect();
        assert_eq!(sum(&others), fits[0].1);

        let (_, compared) = text.split_once("in the clear\n").unwrap();
        assert!(
            compared.contains("They are equal.") && compared.contains("observed agreement") && compared.contains("labels"),
            "{text}"
        );
        assert!(!compared.contains("NO"), "{text}");
        // The page has the same shares, and the class is text in it.
        for (_, row) in &made[..shares] {
            assert!(row.iter().all(|element| page.contains(&element.to_u64().to_string())));
        }
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert_eq!(page.matches("<svg ").count(), 5);
    }
}

#[test]
fn a_file_that_is_no_report_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("thesis.html");
    std::fs::write(&page, "<!DOCTYPE html>\n<p>mine</p>").unwrap();
    let output = demo(&folder.path().join("out"), &["--report", page.to_str().unwrap()]);
    assert!(!output.err.contains("starting"), "{}", output.err);
    let error = output.error();
    assert!(error.contains("thesis.html exists") && error.contains("not overwritten"), "{error}");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "<!DOCTYPE html>\n<p>mine</p>");
}
