//! Power loss: the journal of a run is on a disk on which only synced bytes survive and writes may tear. After each loss,
//! the same run is resumed, and its ledger must match the project.
//!
//! `POWER_LOSSES=20000` plays more runs, `FIRST=5000` others. A failing one prints the command that replays it. (The
//! journal has the time of its writes, so in rare cases another process has one operation more or less.)

mod disk;
mod vfs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acc_assets::error::Error;
use acc_assets::http::send::{Request, Sending, Transport};
use acc_assets::http::{Caller, Token};
use acc_assets::ledger::journal::{Header, Journal, disk as timing};
use acc_assets::ledger::{Ledger, Status, lock};
use acc_assets::run::start::{Resume, Start, Which};
use acc_assets::simulator;
use fastrand::Rng;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{Bench, Call, Texts, client, count, counts, fault};
use disk::{Disk, Survival};

/// The names of the rows whose creates have left.
type Left = Arc<Mutex<BTreeSet<String>>>;

/// The network of a computer: nothing leaves it without power, and what has left arrives in any case.
struct Network<T>(Arc<T>, Arc<Disk>, Left);

impl<T: Transport> Transport for Network<T> {
    fn send(&self, request: Request) -> Sending<'_> {
        if self.1.is_off() {
            return Box::pin(std::future::pending());
        }
        if request.url.ends_with("assets:batch-create") {
            let body = request.body.as_deref().unwrap_or_default();
            let rows: Vec<Value> = serde_json::from_slice(body).unwrap();
            let name = |row: &Value| row["clientAssetId"].as_str().unwrap().to_owned();
            self.2.lock().unwrap().extend(rows.iter().map(name));
        }
        let inner = self.0.clone();
        let sent = tokio::spawn(async move { inner.send(request).await });
        Box::pin(async move { sent.await.unwrap() })
    }
}

/// When the power fails in a call.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Never,
    /// At this operation of the disk.
    At(u64, Survival),
    /// After this time, or once the call has ended.
    After(Duration, Survival),
}

/// A run and its project.
struct Computer {
    bench: Bench,
    disk: Arc<Disk>,
    folder: TempDir,
    rows: Vec<Texts>,
    left: Left,
    what: String,
}

/// How a call has ended.
enum Ended {
    /// The power has failed, and is there again.
    Lost,
    /// With the rows that are settled, or not yet.
    ByItself { settled: bool },
}

impl Computer {
    /// The rows are named by their numbers.
    fn new(random: &mut Rng, options: simulator::Options, rows: usize, bad: usize) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let disk = Disk::new(&folder.path().join("runs"), random.fork());
        let mut bench = Bench::new(options);
        let left = Left::default();
        let network = Network(Arc::new(bench.simulator.transport()), disk.clone(), left.clone());
        let token = Token::fixed(bench.simulator.token());
        bench.caller = Arc::new(Caller::alone(Box::new(network), token, client()));
        let rows = bench.new_assets(rows, |row| row % bad == 7);
        Self {
            bench,
            disk,
            folder,
            rows,
            left,
            what: String::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("runs/run.sqlite")
    }

    fn start(&self) -> Result<Start, Error> {
        let header = Header {
            verb: "create".to_owned(),
            project: self.bench.simulator.project_id(),
            service: "http://localhost".to_owned(),
            import_key: None,
        };
        Start::open(&Resume {
            header: &header,
            run: Some(&self.path()),
            dry_run: false,
            reconcile: true,
            rows: None,
            which: Which::Retry,
        })
    }

    /// Starts or resumes the run, until it ends or the power fails.
    async fn call(&mut self, loss: Loss, stream: bool) -> Ended {
        if let Loss::At(operation, survival) = loss {
            self.disk.fail_at(operation, survival);
        }
        let start = match self.start() {
            Ok(start) => start,
            Err(_) if self.disk.is_off() => {
                self.disk.restore();
                return Ended::Lost;
            }
            Err(error) => panic!("{}: {error}", self.what),
        };
        self.check(&start.ledger);
        let mut call = Call::create(self.rows.clone()).starts_with(start);
        call.stream = stream;
        let (ledger, driving) = self.bench.start(call);
        let failing = async {
            match loss {
                Loss::Never => std::future::pending().await,
                Loss::At(..) => self.disk.failed().await,
                Loss::After(time, survival) => {
                    tokio::time::sleep(time).await;
                    self.disk.fail(survival);
                }
            }
        };
        let fatal = tokio::select! {
            biased;
            () = failing => None,
            ended = driving => Some(ended.fatal),
        };
        // Nothing happens in the computer anymore, but requests may still arrive.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(fatal) = fatal.filter(|_| !self.disk.is_off()) else {
            self.disk.restore();
            return Ended::Lost;
        };
        let ledger = lock(&ledger).clone();
        let _ = write!(self.what, ", ended {:?} {fatal:?}", counts(&ledger));
        self.bench.compare(&ledger, ledger.rows(), &self.what);
        // What the user was told is on the disk.
        let survival = match loss {
            Loss::After(_, survival) | Loss::At(_, survival) => survival,
            Loss::Never => Survival::Nothing,
        };
        self.disk.fail(survival);
        self.disk.restore();
        let kept = Journal::read(&self.path()).unwrap().unwrap().ledger;
        assert_eq!(kept.rows(), ledger.read(), "{}", self.what);
        for row in 0..u32::try_from(ledger.read()).unwrap() {
            assert_eq!(kept.record(row), ledger.record(row), "{}", self.what);
        }
        let open = [Status::NotSent, Status::Failed, Status::Unknown];
        let is_settled = open.iter().all(|status| count(&ledger, *status) == 0);
        Ended::ByItself {
            settled: fatal.is_none() && ledger.complete && is_settled,
        }
    }

    /// The journal has every row whose request has left, and its rows are true.
    fn check(&self, kept: &Ledger) {
        let what = format!("{}, kept {:?}", self.what, counts(kept));
        for name in self.left.lock().unwrap().iter() {
            let row: u32 = name.strip_prefix("P-").unwrap().parse().unwrap();
            assert!(
                (row as usize) < kept.read(),
                "{what}: {name} has left and is not in the journal"
            );
            assert_eq!(kept.key(row).as_ref(), Some(name), "{what}");
            assert!(
                kept.sending_of(row).is_some(),
                "{what}: {name} has left without its request"
            );
        }
        self.bench.compare(kept, kept.rows(), &what);
    }

    /// Every row has an outcome, and nothing was created twice.
    fn check_all(&self) {
        let kept = Journal::read(&self.path()).unwrap().unwrap().ledger;
        self.bench.compare(&kept, self.rows.len(), &self.what);
        let assets = self.bench.simulator.assets();
        let names = assets
            .as_array()
            .unwrap()
            .iter()
            .map(|asset| asset["clientAssetId"].as_str());
        let mut times: BTreeMap<_, usize> = BTreeMap::new();
        for name in names {
            *times.entry(name).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{}: {twice:?}", self.what);
    }
}

fn played(play: impl AsyncFnOnce()) -> std::thread::Result<()> {
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play());
    }))
}

/// Adds a few faults, so that rows get each status and some outcomes stay unknown for a while.
fn add_faults(random: &mut Rng, computer: &mut Computer) {
    for _ in 0..random.usize(0..3) {
        let mut drawn = match random.u8(0..8) {
            0 => json!({"what": "rate_limit", "retry_after": random.u64(1..30)}),
            1 => json!({"what": "refuse"}),
            2 => json!({"what": "reset_before_apply"}),
            3 => json!({"what": "reset_after_apply"}),
            4 => json!({"what": "apply_late", "ms": random.u64(1..14_000)}),
            5 => json!({"what": "delay", "ms": random.u64(1..50_000)}),
            6 => json!({"what": "cut_body", "bytes": random.u64(0..200)}),
            _ => json!({"what": "status", "code": random.u64(500..505), "after_apply": random.bool()}),
        };
        drawn["probability"] = json!(random.f64() * 0.5);
        drawn["seed"] = json!(random.u64(..));
        let _ = write!(computer.what, ", {drawn}");
        computer.bench.simulator.add_fault(fault(&drawn));
    }
}

/// Plays a run with several power losses, and adds its rows by their last status.
async fn play(seed: u64, totals: &Mutex<BTreeMap<Status, usize>>) {
    // The names of files in the making and the backoff of the client are random, too.
    fastrand::seed(seed);
    let mut random = Rng::with_seed(seed);
    let options = simulator::Options {
        seed: random.u64(1..5),
        latency: Duration::from_millis(random.u64(0..400)),
        ..simulator::Options::default()
    };
    let (rows, bad) = (random.usize(1..350), random.usize(8..300));
    let mut computer = Computer::new(&mut random, options, rows, bad);
    let _ = write!(computer.what, "seed {seed}, {rows} rows");
    if random.bool() {
        let lag = Duration::from_millis(random.u64(1..3000));
        timing::lag(&computer.path(), lag, random.u32(1..150));
        let _ = write!(computer.what, ", a disk {lag:?} slow");
    }
    add_faults(&mut random, &mut computer);
    for round in 0..10 {
        let is_calm = round >= 6;
        if is_calm {
            computer.bench.simulator.clear_faults();
        }
        let survival = match random.u8(0..8) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Some,
        };
        let most = 1 << random.u32(2..11);
        let loss = match random.u8(0..4) {
            _ if is_calm => Loss::Never,
            0 => Loss::After(Duration::from_millis(random.u64(0..20_000)), survival),
            _ => Loss::At(random.u64(1..=most), survival),
        };
        let _ = write!(computer.what, ", round {round} {loss:?}");
        let stream = random.bool();
        let ended = computer.call(loss, stream).await;
        if matches!(ended, Ended::ByItself { settled: true }) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(random.u64(0..300))).await;
    }
    computer.check_all();
    let kept = Journal::read(&computer.path()).unwrap().unwrap().ledger;
    let mut totals = totals.lock().unwrap();
    for (status, rows) in counts(&kept) {
        *totals.entry(status).or_default() += rows;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Plays these numbers in several threads, until one fails.
fn all_played(numbers: Range<u64>, play: impl AsyncFn(u64) + Sync, replay: impl Fn(u64) -> String + Sync) {
    let next = AtomicU64::new(numbers.start);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    if let Err(panic) = played(async || play(number).await) {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        eprintln!("{}", replay(number));
                        std::panic::resume_unwind(panic);
                    }
                }
            });
        }
    });
}

#[test]
fn a_run_resumed_after_power_losses_is_true() {
    let first = number("FIRST").unwrap_or(0);
    let seeds = number("POWER_LOSSES").unwrap_or(500);
    let totals = Mutex::default();
    all_played(
        first..first + seeds,
        async |seed| play(seed, &totals).await,
        |seed| format!("replay it: FIRST={seed} POWER_LOSSES=1 cargo test --test core power_loss::"),
    );
    println!(
        "{seeds} runs, rows by their last status: {:?}",
        totals.lock().unwrap()
    );
}

#[test]
fn the_power_may_fail_at_every_operation() {
    fn small(seed: u64) -> Computer {
        fastrand::seed(seed);
        let random = &mut Rng::with_seed(seed);
        Computer::new(random, simulator::Options::default(), 20, 100)
    }
    let (started, operations) = (AtomicU64::new(0), AtomicU64::new(0));
    played(async || {
        let mut computer = small(0);
        drop(computer.start().unwrap());
        started.store(computer.disk.operations(), Ordering::Relaxed);
        computer.call(Loss::Never, false).await;
        operations.store(computer.disk.operations(), Ordering::Relaxed);
    })
    .unwrap();
    let started = started.into_inner();
    let operations = operations.into_inner();
    assert!(operations > 50, "{operations}");
    all_played(
        1..operations + 1,
        async |operation| {
            let mut survivals = vec![Survival::Some, Survival::Nothing, Survival::Everything];
            if operation <= started {
                // Which names survive matters most at the start of a run.
                survivals.extend([Survival::Some; 10]);
            }
            for (seed, survival) in (0..).zip(survivals) {
                let mut computer = small(seed);
                let _ = write!(computer.what, "operation {operation}, {survival:?}, seed {seed}");
                computer.call(Loss::At(operation, survival), false).await;
                let ended = computer.call(Loss::Never, false).await;
                assert!(
                    matches!(ended, Ended::ByItself { settled: true }),
                    "{}",
                    computer.what
                );
                computer.check_all();
            }
        },
        |operation| format!("of {operations} operations, {operation} fails"),
    );
}

/// Fails if the model keeps too much, so that the tests above would prove nothing.
#[test]
fn only_synced_bytes_survive() {
    for (synchronous, survives) in [("FULL", true), ("OFF", false)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap().join("runs");
        let disk = Disk::new(&folder, Rng::with_seed(0));
        std::fs::create_dir(&folder).unwrap();
        disk.fail(Survival::Everything);
        disk.restore();
        let path = folder.join("any.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "synchronous", synchronous)
            .unwrap();
        // In this mode, the end of a transaction is synced, too.
        connection
            .pragma_update(None, "locking_mode", "EXCLUSIVE")
            .unwrap();
        connection.execute_batch("CREATE TABLE rows (number)").unwrap();
        disk.fail(Survival::Nothing);
        assert!(connection.execute_batch("CREATE TABLE others (number)").is_err());
        drop(connection);
        disk.restore();
        let count =
            Connection::open(&path)
                .unwrap()
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
                    row.get::<_, i64>(0)
                });
        assert_eq!(count.unwrap() == 1, survives, "{synchronous}");
    }
}
