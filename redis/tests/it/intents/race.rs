//! Two processes that race for the intents of one user.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tokio::task::JoinSet;
use tower_step_up::intent::{Found, Intent, IntentStore};

use super::{create, find, intent_of, store, user};
use crate::server::Redis;
use crate::support::{server, within};

/// How many users each batch has. The processes race for the intents of each.
const BATCH: usize = 250;
const RACES: usize = 10_000;
const MARK: &str = "outcomes ";

/// A process that consumes the intents of each line, all at once. It ends with its parent.
struct Racer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Racer {
    fn start(redis: &Redis) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["intents::race::a_racer_in_a_process_of_its_own", "--exact", "--ignored"])
            .args(["--nocapture", "--test-threads=1"])
            .env("RACER_REDIS", redis.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    fn begin(&mut self, intents: &[&Intent]) {
        let line = serde_json::to_string(intents).unwrap();
        writeln!(self.input, "{line}").unwrap();
    }

    /// Returns for each intent whether the process has won it.
    fn outcomes(&mut self) -> Vec<bool> {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the process has ended");
            if let Some((_, outcomes)) = line.trim_end().split_once(MARK) {
                return outcomes.bytes().map(|outcome| outcome == b'1').collect();
            }
        }
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "other tests start it in a new process"]
fn a_racer_in_a_process_of_its_own() {
    let Ok(redis) = env::var("RACER_REDIS") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = tower_step_up_redis::RedisIntents::new(server(&redis));
    let store = store.timeout(crate::support::PATIENCE);
    for line in std::io::stdin().lines() {
        let intents: Vec<Intent> = serde_json::from_str(&line.unwrap()).unwrap();
        let outcomes = runtime.block_on(async {
            let mut outcomes = vec!['?'; intents.len()];
            let mut calls = JoinSet::new();
            for (place, intent) in intents.into_iter().enumerate() {
                let store = store.clone();
                calls.spawn(async move { (place, store.consume(intent).await.unwrap()) });
            }
            for (place, is_winner) in calls.join_all().await {
                outcomes[place] = if is_winner { '1' } else { '0' };
            }
            String::from_iter(outcomes)
        });
        println!("{MARK}{outcomes}");
    }
}

#[tokio::test]
async fn of_two_processes_that_race_exactly_one_wins_ten_thousand_times() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let mut racers = [Racer::start(&redis), Racer::start(&redis)];
    let mut wins = [0, 0];
    for batch in 0..RACES / BATCH {
        // In every other race, each process wants another intent of the user.
        let mut pairs = Vec::new();
        let mut writes = JoinSet::new();
        for place in 0..BATCH {
            let user = user(&format!("{batch}-{place}"));
            let one = intent_of(&user, 1, 0);
            let pair = [one.clone(), if place % 2 == 0 { one } else { intent_of(&user, 2, 0) }];
            let (store, [one, other]) = (store.clone(), pair.clone());
            writes.spawn(async move {
                create(&store, &one).await;
                if other != one {
                    create(&store, &other).await;
                }
            });
            pairs.push(pair);
        }
        within(writes.join_all()).await;
        // Neither of them is always the first to begin.
        for turn in [batch % 2, (batch + 1) % 2] {
            let intents: Vec<_> = pairs.iter().map(|pair| &pair[turn]).collect();
            racers[turn].begin(&intents);
        }
        let outcomes = racers.each_mut().map(Racer::outcomes);
        for (place, pair) in pairs.iter().enumerate() {
            let won = [outcomes[0][place], outcomes[1][place]];
            assert!(won[0] != won[1], "{batch} {place}: {won:?}");
            let winner = usize::from(won[1]);
            wins[winner] += 1;
            let found = find(&store, &pair[winner]).await;
            assert_eq!(found, Some(Found::Used(pair[winner].clone())));
            if pair[0] != pair[1] {
                assert_eq!(find(&store, &pair[1 - winner]).await, None);
            }
        }
    }
    println!("measured: wins of two processes: {wins:?}");
    assert_eq!(wins[0] + wins[1], RACES);
    assert!(wins.iter().all(|wins| *wins > 0), "they did not race");
}
