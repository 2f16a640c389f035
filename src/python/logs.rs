//! Forwards log records to Python's logger `acc_assets` on a separate thread. A slow handler, or a thread that holds
//! the GIL, must not block I/O threads.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3::sync::OnceLockExt;

use super::attached::attached;
use super::runtime::THREADS;

/// How long a call waits at its end for its log records. A stuck handler must not block the call.
const LONGEST_FLUSH: Duration = Duration::from_secs(5);

/// A log record that owns its strings.
struct Line {
    level: Level,
    target: String,
    message: String,
    module: Option<String>,
    file: Option<String>,
    number: Option<u32>,
}

enum Entry {
    Line(Line),
    /// A marker that is acknowledged once all earlier lines are written.
    Mark(SyncSender<()>),
}

/// The log channel of one process.
struct Channel {
    process: u32,
    writer: ThreadId,
    entries: Sender<Entry>,
    /// The number of lines not yet written.
    waiting: AtomicUsize,
    /// The channel of a forked child, which does not inherit its parent's writer. The channels form a
    /// lock-free list, so a fork cannot leave the list locked.
    child: OnceLock<Box<Channel>>,
}

static FIRST: OnceLock<Channel> = OnceLock::new();
static LOGGER: OnceLock<Option<pyo3_log::Logger>> = OnceLock::new();

/// Starts forwarding log lines to Python. Call this in each process before logging anything.
pub fn start(py: Python<'_>) {
    // Without a working `logging` module, there is nowhere to write.
    let Some(logger) = LOGGER.get_or_init_py_attached(py, || install(py)) else {
        return;
    };
    let process = process::id();
    let mut channel = FIRST.get_or_init_py_attached(py, || Channel::new(process, logger));
    while channel.process != process {
        channel = channel
            .child
            .get_or_init_py_attached(py, || Box::new(Channel::new(process, logger)));
    }
}

fn install(py: Python<'_>) -> Option<pyo3_log::Logger> {
    // Cache loggers, not levels: a level may be set later.
    let logger = pyo3_log::Logger::new(py, pyo3_log::Caching::Loggers).ok()?;
    // If another library of this process has installed its own logger, our records are lost.
    if log::set_boxed_logger(Box::new(Bridge)).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
    Some(logger)
}

/// Waits until the lines of this process are written, but no longer than `LONGEST_FLUSH`. Call this without the
/// GIL.
pub fn flush() {
    let Some(channel) = current() else { return };
    // This thread may be the writer itself, because a handler may use this client.
    if channel.waiting.load(Ordering::Acquire) == 0 || thread::current().id() == channel.writer {
        return;
    }
    let (mark, reached) = sync_channel(1);
    if channel.entries.send(Entry::Mark(mark)).is_ok() {
        // Remaining lines are written later.
        let _ = reached.recv_timeout(LONGEST_FLUSH);
    }
}

fn current() -> Option<&'static Channel> {
    let process = process::id();
    let mut channel = FIRST.get()?;
    while channel.process != process {
        channel = channel.child.get()?;
    }
    Some(channel)
}

impl Channel {
    fn new(process: u32, logger: &'static pyo3_log::Logger) -> Self {
        let (entries, lines) = channel();
        let writer = thread::Builder::new()
            .name(format!("{THREADS}-log"))
            .spawn(move || write(&lines, logger));
        Self {
            process,
            // If threads cannot start, there is no runtime either, so nothing is logged.
            writer: writer.map_or_else(|_| thread::current().id(), |writer| writer.thread().id()),
            entries,
            waiting: AtomicUsize::new(0),
            child: OnceLock::new(),
        }
    }
}

/// Writes lines until the process ends.
fn write(entries: &Receiver<Entry>, logger: &pyo3_log::Logger) {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                let write = |_: Python<'_>| {
                    logger.log(
                        &Record::builder()
                            .level(line.level)
                            .target(&line.target)
                            .args(format_args!("{}", line.message))
                            .module_path(line.module.as_deref())
                            .file(line.file.as_deref())
                            .line(line.number)
                            .build(),
                    );
                };
                // The result is `None` if Python has shut down.
                let _ = attached(write);
                if let Some(channel) = current() {
                    channel.waiting.fetch_sub(1, Ordering::Release);
                }
            }
            Entry::Mark(reached) => {
                // The waiting thread may have timed out.
                let _ = reached.send(());
            }
        }
    }
}

/// The logger for the `log` crate. The logger only puts records into the channel.
struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Skip other libraries: they log URLs with their queries.
        let target = metadata.target();
        target == "acc_assets" || target.starts_with("acc_assets::")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let Some(channel) = current() else { return };
        channel.waiting.fetch_add(1, Ordering::Release);
        let line = Line {
            level: record.level(),
            target: record.target().to_owned(),
            message: record.args().to_string(),
            module: record.module_path().map(str::to_owned),
            file: record.file().map(str::to_owned),
            number: record.line(),
        };
        if channel.entries.send(Entry::Line(line)).is_err() {
            channel.waiting.fetch_sub(1, Ordering::Release);
        }
    }

    fn flush(&self) {
        flush();
    }
}
