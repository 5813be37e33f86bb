//! Calls of the API panel. The files of a body are opened beside the loop, and read while they are sent.

use super::{Tasks, answers};
use crate::api::Call;
use crate::error::{Code, Error};
use crate::http::progress::Progress;
use crate::http::upload::Upload;
use crate::profile::ProfileName;
use crate::service::TypedBody;
use crate::tui::message::{Message, TaskId};
use crate::tui::received::Received;

enum Called {
    Answered(Box<Received>),
    /// Its body cannot be read.
    NotSent(Error),
}

impl Tasks {
    pub(super) fn call(&mut self, task: TaskId, profile: ProfileName, call: Call) {
        self.spawn_cancellable(
            task,
            profile,
            |service, profile| async move {
                let (call, upload) = match opened(call).await? {
                    Ok(ready) => ready,
                    Err(error) => return Ok(Called::NotSent(error)),
                };
                let answer = service.call(&profile, &call, upload.as_ref(), &Progress::default()).await?;
                answers::received(answer).await.map(|received| Called::Answered(Box::new(received)))
            },
            move |_, result| match result {
                Ok(Called::NotSent(error)) => Message::NotSent { task, error },
                Ok(Called::Answered(received)) => Message::Answered { task, result: Box::new(Ok(*received)) },
                Err(error) => Message::Answered { task, result: Box::new(Err(error)) },
            },
        );
    }
}

/// The call with what is read for its body. The inner error is that of a body that cannot be read.
async fn opened(mut call: Call) -> Result<Result<(Call, Option<Upload>), Error>, Error> {
    let opening = tokio::task::spawn_blocking(move || {
        // What was typed means something, or the panel would not have had it sent.
        let typed = TypedBody::of(&call).unwrap_or(TypedBody::AsItStands);
        typed.open(&mut call).map(|upload| (call, upload))
    });
    opening.await.map_err(|_| Error::new(Code::Other, "reading the body was cut short"))
}
