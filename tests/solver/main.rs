//! What a constraint solver finds out from published results. The solver is given everything that is published of a job, numbers with
//! noise as ranges, and asked for every single answer whether another one would fit as well.
//!
//! Jobs are as small as the floors of sensitive jobs let them be (`docs/security/floors.md`), with real answers: of the data sets of this
//! repository, and of those in the folder `TACIT_REFERENCE_DATA` if it is set. `TACIT_SOLVED_JOBS` says how many jobs of each set, 1 by
//! default. Each job is published with and without a quorum, and read by a stranger and by two contributors who collude.
//!
//! The solver, OR-Tools, is a Python package: see `requirements.txt`. `TACIT_SOLVER_PYTHON` names the Python that has it, `python3` by
//! default. Without it this test is skipped, loudly, unless `TACIT_REQUIRE_SOLVER` is set.

mod published;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::Deserialize;
use tacit_tests::reference::answer_sets;

use published::{Crowd, Published};

/// The most that may stay undecided, in hundredths of the answers; of weather_amt, whose jobs are hard, see `most_undecided`.
const MOST_UNDECIDED: usize = 2;

/// The data sets of this repository that can fill a job at the floors.
const FILLING: [&str; 10] = [
    "adcounting",
    "bluebirds",
    "dices350",
    "fleiss_wiki",
    "music_genre",
    "quiz_english",
    "quiz_medicine",
    "s_adult",
    "sent_polarity",
    "weather_amt",
];

/// What `certain.py` says of a job.
#[derive(Debug, Default, Deserialize)]
struct Solved {
    asked: usize,
    certain: usize,
    undecided: usize,
    fits: bool,
}

/// The Python that has the solver; `None` if there is none.
fn python() -> Option<String> {
    let python = std::env::var("TACIT_SOLVER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = Command::new(&python)
        .args(["-c", "import ortools.sat.python.cp_model"])
        .stderr(Stdio::null())
        .status();
    if imports.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("TACIT_REQUIRE_SOLVER").is_none(),
        "TACIT_REQUIRE_SOLVER is set, but `{python}` cannot import OR-Tools"
    );
    // Not `println!`, of which a test that passes shows nothing.
    let skipped = "SKIPPED: what a solver finds out from results";
    let _ = writeln!(
        std::io::stderr(),
        "{skipped}; `{python}` cannot import OR-Tools (pip install -r tests/solver/requirements.txt)"
    );
    None
}

fn solve(python: &str, jobs: &[Published]) -> Vec<Solved> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/solver/certain.py");
    let mut solver = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = solver.stdin.take().unwrap();
    let from = BufReader::new(solver.stdout.take().unwrap());
    let mut lines = from.lines();
    let ask = |job: &Published| {
        writeln!(to, "{}", serde_json::to_string(job).unwrap()).unwrap();
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
    };
    let solved = jobs.iter().map(ask).collect();
    drop(to);
    assert!(solver.wait().unwrap().success());
    solved
}

fn most_undecided(set: &str) -> usize {
    if set == "weather_amt" { 30 } else { MOST_UNDECIDED }
}

#[test]
fn no_answer_to_a_job_at_the_floors_is_certain() {
    let Some(python) = python() else { return };
    let jobs: usize = std::env::var("TACIT_SOLVED_JOBS").map_or(1, |jobs| jobs.parse().unwrap());
    let mut filled = Vec::new();
    for (name, answers) in answer_sets() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut asked = Vec::new();
        for _ in 0..jobs {
            let Some(crowd) = Crowd::at_the_floors(&answers, &mut rng) else {
                break;
            };
            let per_item = crowd.items[0].len() as u32;
            // Labels that need a majority say more.
            for quorum in [None, Some(per_item / 2 + 1)] {
                for known in [Vec::new(), crowd.answers_of_two()] {
                    asked.push(crowd.publish(true, quorum, known));
                }
            }
        }
        if asked.is_empty() {
            println!("{name}: too few answers for a job at the floors");
            continue;
        }
        filled.push(name.clone());
        let all = solve(&python, &asked).into_iter().fold(Solved::default(), |all, one| {
            assert!(one.fits, "{name}: the true answers do not fit what is published");
            Solved {
                asked: all.asked + one.asked,
                certain: all.certain + one.certain,
                undecided: all.undecided + one.undecided,
                fits: true,
            }
        });
        println!(
            "{name}: of {} answers {} are certain, {} undecided",
            all.asked, all.certain, all.undecided
        );
        assert_eq!(all.certain, 0, "{name}");
        assert!(all.undecided * 100 <= all.asked * most_undecided(&name), "{name}: {all:?}");
    }
    for set in FILLING {
        assert!(filled.iter().any(|name| name == set), "no job of {set} was solved");
    }
}

#[test]
fn answers_to_jobs_below_the_floors_are_certain() {
    let Some(python) = python() else { return };
    let (_, answers) = answer_sets().into_iter().find(|(name, _)| name == "quiz_medicine").unwrap();
    let mut crowd = Crowd::at_the_floors(&answers, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    crowd.items.iter_mut().for_each(|given| given.truncate(3));
    let below = |quorum| crowd.publish(false, quorum, Vec::new());
    let solved = solve(&python, &[below(None), below(Some(3))]);
    assert!(solved.iter().all(|one| one.fits), "{solved:?}");
    let certain: Vec<usize> = solved.iter().map(|one| one.certain).collect();
    println!(
        "quiz_medicine, exact numbers of three answers to an item: certain {certain:?} of {}",
        solved[0].asked
    );
    assert!(certain[1] > 0, "{solved:?}: a label that all must agree on says what all answered");
}
