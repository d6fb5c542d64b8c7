//! Thread for HTTP requests: the HTTP client library works on one thread only.
//!
//! ```text
//!  callers' runtime                      thread of the client
//!  HttpThread::run ──── job ───────────► request, on a runtime of its own
//!        ▲                                  │
//!        └───────────── result ◄────────────┘
//!  dropping the future of `run` ───────► drops the request, which closes its connection
//! ```

use std::{
    io,
    sync::{Mutex, PoisonError},
    thread,
};

use tokio::{
    runtime::Builder,
    select,
    sync::{mpsc, oneshot},
    task::{LocalSet, spawn_local},
};

/// Work for the thread: spawns a local task that uses its state.
type HttpJob<S> = Box<dyn FnOnce(&S) + Send>;

/// Thread with a state that cannot leave it. Started with the first job; ends when the handle is dropped.
pub(crate) struct HttpThread<S> {
    /// Queue of jobs; `None` before the first job.
    jobs: Mutex<Option<mpsc::UnboundedSender<HttpJob<S>>>>,
}

impl<S: Clone + Default + 'static> HttpThread<S> {
    pub(crate) fn new() -> Self {
        Self { jobs: Mutex::default() }
    }

    /// Runs `work` on the thread and returns its result. Dropping the future drops `work`.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be started.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(S) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (mut reply, result) = oneshot::channel();
        let job = move |state: &S| {
            let state = state.clone();
            spawn_local(async move {
                select! {
                    biased; // after a cancellation the work does not take another step
                    () = reply.closed() => {}
                    done = work(state) => {
                        let _ = reply.send(done); // cancelled meanwhile
                    }
                }
            });
        };
        self.jobs()?.send(Box::new(job)).map_err(|_| thread_ended())?;
        result.await.map_err(|_| thread_ended())
    }

    /// Whether the thread was started.
    pub(crate) fn is_started(&self) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn jobs(&self) -> io::Result<mpsc::UnboundedSender<HttpJob<S>>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = jobs.as_ref().filter(|jobs| !jobs.is_closed()) {
            return Ok(jobs.clone());
        }
        Ok(jobs.insert(start()?).clone())
    }
}

fn start<S: Default + 'static>() -> io::Result<mpsc::UnboundedSender<HttpJob<S>>> {
    let (sender, mut jobs) = mpsc::unbounded_channel::<HttpJob<S>>();
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    thread::Builder::new().name("dx-http".to_owned()).spawn(move || {
        LocalSet::new().block_on(&runtime, async {
            let state = S::default();
            while let Some(job) = jobs.recv().await {
                job(&state);
            }
        });
    })?;
    Ok(sender)
}

fn thread_ended() -> io::Error {
    io::Error::other("the client's HTTP thread ended")
}
