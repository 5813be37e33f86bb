//! Calls of the API panel. The files of a body are opened beside the loop, and read while they are sent.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::Tasks;
use crate::api::Call;
use crate::aside::aside;
use crate::clock;
use crate::error::Error;
use crate::http::progress::Progress;
use crate::http::upload::Upload;
use crate::profile::ProfileName;
use crate::service::TypedBody;
use crate::tui::message::{Message, TaskId};
use crate::tui::received::Received;

/// Calls that are done sooner show no bar.
const FIRST: Duration = Duration::from_millis(500);
/// The shortest time between two pictures of it.
const PAUSE: Duration = Duration::from_millis(250);

enum Called {
    Answered(Box<Received>),
    /// Its body cannot be read.
    NotSent(Error),
}

impl Tasks {
    pub(super) fn call(&mut self, task: TaskId, profile: ProfileName, call: Call) {
        let sender = self.sender.clone();
        self.spawn_cancellable(
            task,
            profile,
            move |service, profile| async move {
                let (call, upload) = match aside(move || opened(call)).await {
                    Ok(ready) => ready,
                    Err(error) => return Ok(Called::NotSent(error)),
                };
                let progress = Progress::default();
                let answer = tokio::select! {
                    biased;
                    answer = service.call(&profile, &call, upload.as_ref(), &progress) => answer?,
                    never = tell(&progress, task, &sender) => match never {},
                };
                Ok(Called::Answered(Box::new(aside(move || Received::new(answer)).await)))
            },
            move |_, result| match result {
                Ok(Called::NotSent(error)) => Message::NotSent { task, error },
                Ok(Called::Answered(received)) => Message::Answered { task, result: Box::new(Ok(*received)) },
                Err(error) => Message::Answered { task, result: Box::new(Err(error)) },
            },
        );
    }
}

/// Tells what moves, now and then. A call that is done soon tells nothing.
async fn tell(progress: &Progress, task: TaskId, sender: &UnboundedSender<Message>) -> Infallible {
    let mut moved = progress.subscribe();
    let mut next = clock::now() + FIRST;
    loop {
        clock::sleep_until(next).await;
        let state = *moved.borrow_and_update();
        // Nobody listens any more when the app has ended.
        let _ = sender.send(Message::Moved { task, moved: state });
        next = clock::now() + PAUSE;
        if moved.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// The call with what is read for its body.
fn opened(mut call: Call) -> Result<(Call, Option<Upload>), Error> {
    // What was typed means something, or the panel would not have had it sent.
    let typed = TypedBody::of(&call).unwrap_or(TypedBody::AsItStands);
    typed.open(&mut call).map(|upload| (call, upload))
}
