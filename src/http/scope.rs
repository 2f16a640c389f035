//! Caller data, such as the event loop, that a call passes to every task it spawns.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static SCOPE: Arc<dyn Any + Send + Sync>;
}

/// Runs a future with this data in scope.
pub fn with<F: Future>(data: Arc<dyn Any + Send + Sync>, future: F) -> impl Future<Output = F::Output> {
    SCOPE.scope(data, future)
}

/// Returns the data in scope, if there is any and it has this type.
#[must_use]
pub fn current<T: Any + Send + Sync>() -> Option<Arc<T>> {
    SCOPE.try_with(Arc::clone).ok()?.downcast().ok()
}

/// Keeps the current data in scope for a future that will be spawned, because spawned tasks do not inherit Tokio's
/// task locals.
pub fn inherit<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let data = SCOPE.try_with(Arc::clone).ok();
    async move {
        match data {
            Some(data) => with(data, future).await,
            None => future.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_spawned_task_inherits_the_scope() {
        let spawned = with(Arc::new(7_u8), async {
            tokio::spawn(inherit(async { current::<u8>() })).await
        });
        assert_eq!(spawned.await.unwrap().as_deref(), Some(&7));
        assert_eq!(
            tokio::spawn(inherit(async { current::<u8>() })).await.unwrap(),
            None
        );
    }
}
