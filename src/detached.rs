//! Calls that continue if their caller goes away.

use std::error::Error;
use std::time::Duration;

use tokio::runtime::Handle;

/// Runs a call in a separate task. The call continues if the returned future is dropped, and a
/// panic ends only the call.
pub(crate) async fn detached<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    Ok(Handle::try_current()?.spawn(call).await?)
}

/// Works like [`detached`], but drops the call after this time.
pub(crate) async fn detached_within<T: Send + 'static>(
    timeout: Duration,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    let ended = detached(async move { tokio::time::timeout(timeout, call).await }).await?;
    ended.map_err(|_| format!("no response within {timeout:?}").into())
}
