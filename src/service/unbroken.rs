//! Work that is never cut short: an exchange whose answer comes only once, and the saving of that answer.
//!
//! A provider that rotates refresh tokens, or has given out the tokens of an approval, does not repeat itself. Such work is
//! a task of its own, so it goes on when whoever asked for it is cancelled; the process ends after it has. It is bounded:
//! each exchange has its deadline.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::task::Poll;

use tokio::sync::watch;

use crate::mutex::locked;

/// The unbroken work that is under way, and the rights that are to be let go when the process stands still. Clones count together.
#[derive(Clone)]
pub struct Unbroken(Arc<LazyLock<Counts>>);

#[derive(Default)]
struct Counts {
    under_way: watch::Sender<usize>,
    /// Of rights that others wait for.
    rights: watch::Sender<usize>,
    /// Of those who want the process to stand still.
    stops: watch::Sender<usize>,
    /// What is to be done when nothing is under way.
    afterwards: Mutex<Vec<Afterwards>>,
}

type Afterwards = Box<dyn FnOnce() + Send>;

impl Default for Unbroken {
    /// Nothing is under way. A command that asks nobody never counts anything.
    fn default() -> Self {
        Self(Arc::new(LazyLock::new(Counts::default)))
    }
}

impl Unbroken {
    /// Runs `work` to its end, whether or not this future is kept until then.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let under_way = self.under_way();
        // It counts until its result is taken, or nobody is left to take it: what waits for the end finds the result there.
        let task = tokio::spawn(async move { (work.await, under_way) });
        match task.await {
            Ok((result, _under_way)) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down, and nobody is left to hear.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Counts what is done without being waited for, until this is dropped.
    pub(super) fn under_way(&self) -> UnderWay {
        UnderWay { counted: Some(Counted::new(&self.0.under_way)), unbroken: self.clone() }
    }

    /// Does what may take any time, such as to write to a terminal that stands still, when nothing is under way.
    pub fn afterwards(&self, act: impl FnOnce() + Send + 'static) {
        self.waiting().push(Box::new(act));
        self.act_if_settled();
    }

    fn act_if_settled(&self) {
        if *self.0.under_way.borrow() == 0 {
            let acts = mem::take(&mut *self.waiting());
            for act in acts {
                act();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Afterwards>> {
        locked(&self.0.afterwards)
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        // Cannot fail: the sender is here.
        let _ = self.0.under_way.subscribe().wait_for(|&count| count == 0).await;
    }

    /// Goes on with `work`, which is to stop, for as long as something is under way. `None` where that does not end it.
    pub async fn finish<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        loop {
            tokio::select! {
                biased;
                result = &mut work => return Some(result),
                () = self.settled() => {}
            }
            // Another thread may have ended something between the two looks, and `work` may live on that.
            if let Poll::Ready(result) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                return Some(result);
            }
            if *self.0.under_way.borrow() == 0 {
                return None;
            }
        }
    }

    /// The process is about to be stopped for as long as this is kept.
    pub fn stand_still(&self) -> StandStill {
        StandStill { _wanted: Counted::new(&self.0.stops), unbroken: self.clone() }
    }

    /// Counts a right that others wait for, from before it is had until it is let go.
    pub(super) fn right(&self) -> Counted {
        Counted::new(&self.0.rights)
    }

    /// Whether the process is to stand still.
    pub(super) fn stands_still(&self) -> bool {
        *self.0.stops.borrow() > 0
    }

    /// Waits until the process is to stand still.
    pub(super) async fn is_to_stand_still(&self) {
        // Cannot fail: the sender is here.
        let _ = self.0.stops.subscribe().wait_for(|&count| count > 0).await;
    }

    /// Waits until it is not, or not any more.
    pub(super) async fn goes_on(&self) {
        let _ = self.0.stops.subscribe().wait_for(|&count| count == 0).await;
    }
}

/// That the process stands still, or is about to.
pub struct StandStill {
    _wanted: Counted,
    unbroken: Unbroken,
}

impl StandStill {
    /// Waits until nobody would wait for this process: each right is let go, and nothing is under way.
    pub async fn reached(&self) {
        let _ = self.unbroken.0.rights.subscribe().wait_for(|&count| count == 0).await;
        self.unbroken.settled().await;
    }
}

/// Unbroken work, until it is dropped.
pub(super) struct UnderWay {
    counted: Option<Counted>,
    unbroken: Unbroken,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        drop(self.counted.take());
        self.unbroken.act_if_settled();
    }
}

/// One of what is counted, until it is dropped.
pub(super) struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::Unbroken;

    fn block_on(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(test);
    }

    fn begin<T>(work: Pin<&mut impl Future<Output = T>>) {
        assert!(work.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn what_may_take_any_time_comes_when_nothing_is_under_way() {
        block_on(async {
            let unbroken = Unbroken::default();
            let (told, tells) = std::sync::mpsc::channel();
            let tell = |word: &'static str| {
                let told = told.clone();
                unbroken.afterwards(move || told.send(word).expect("somebody hears"));
            };
            tell("at once");
            assert_eq!(tells.try_recv(), Ok("at once"));
            let (answer, answered) = oneshot::channel();
            let mut exchange = pin!(unbroken.run(answered));
            begin(exchange.as_mut());
            tell("later");
            assert!(tells.try_recv().is_err());
            answer.send(()).expect("it is waited for");
            exchange.await.expect("an answer");
            assert_eq!(tells.try_recv(), Ok("later"));
        });
    }

    #[test]
    fn work_goes_on_when_nobody_waits_for_it_any_more() {
        block_on(async {
            let unbroken = Unbroken::default();
            let (answer, answered) = oneshot::channel::<u8>();
            let (keep, kept) = oneshot::channel();
            begin(pin!(unbroken.run(async move { keep.send(answered.await) })));
            answer.send(7).expect("the work still waits for its answer");
            unbroken.settled().await;
            assert_eq!(kept.await, Ok(Ok(7)));
        });
    }

    #[test]
    fn a_process_stands_still_once_rights_are_let_go_and_answers_are_kept_and_goes_on_after_that() {
        block_on(async {
            let unbroken = Unbroken::default();
            let (answer, answered) = oneshot::channel::<()>();
            let (right, mut exchange) = (unbroken.right(), pin!(unbroken.run(answered)));
            begin(exchange.as_mut());
            begin(pin!(unbroken.is_to_stand_still()));
            let still = unbroken.stand_still();
            unbroken.is_to_stand_still().await;
            assert!(unbroken.stands_still());
            begin(pin!(unbroken.goes_on()));
            begin(pin!(still.reached()));
            drop(right);
            begin(pin!(still.reached()));
            answer.send(()).expect("it is waited for");
            exchange.await.expect("an answer");
            still.reached().await;
            drop(still);
            assert!(!unbroken.stands_still());
            unbroken.goes_on().await;
            begin(pin!(unbroken.is_to_stand_still()));
        });
    }

    #[test]
    fn work_that_ends_on_another_thread_is_not_taken_for_work_that_goes_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (handle, (stop, stopped)) = (runtime.handle().clone(), oneshot::channel::<()>());
        // All tasks run there, and whoever waits for them is here.
        let other_thread = std::thread::spawn(move || runtime.block_on(stopped));
        for round in 0..2_000 {
            handle.block_on(async {
                let unbroken = Unbroken::default();
                let (answer, answered) = oneshot::channel();
                let mut exchange = pin!(async {
                    let first = unbroken.run(answered).await.expect("an answer");
                    // What an approval calls for counts as well, although it begins only now.
                    unbroken.run(async move { first + 1 }).await
                });
                begin(exchange.as_mut());
                tokio::spawn(async move { answer.send(round) });
                assert_eq!(unbroken.finish(exchange).await, Some(round + 1));
            });
        }
        stop.send(()).expect("the tasks still run");
        other_thread.join().expect("no task panicked").expect("it was told to stop");
    }

    #[test]
    fn work_that_is_to_stop_ends_with_what_was_under_way_and_begins_nothing_more() {
        block_on(async {
            let unbroken = Unbroken::default();
            let mut ends = pin!(unbroken.run(yield_now()));
            begin(ends.as_mut());
            assert_eq!(unbroken.finish(ends).await, Some(()));
            let mut goes_on = pin!(async {
                unbroken.run(yield_now()).await;
                std::future::pending::<()>().await;
            });
            begin(goes_on.as_mut());
            assert_eq!(unbroken.finish(goes_on).await, None);
        });
    }
}
