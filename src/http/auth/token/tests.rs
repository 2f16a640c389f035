//! Tokens are fetched once, kept, and renewed.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::http::auth::Fetching;

fn jwt(claims: &serde_json::Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn invalid_tokens_are_rejected_before_sending() {
    for (text, says) in [
        ("", "is empty"),
        ("  ", "is empty"),
        ("Bearer ", "is empty"),
        ("ab\ncd", "line break"),
        (
            &jwt(&serde_json::json!({"exp": 1_600_000_000})),
            "expired at 2020-09-13 12:26:40 UTC",
        ),
    ] {
        let error = Token::fixed(text)
            .bearer(&Clock::system())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
        assert!(text.trim().is_empty() || !error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn user_comes_from_the_token_or_its_fingerprint() {
    let token = Token::fixed(&jwt(
        &serde_json::json!({"userid": "QX3T9LM2AB7C", "exp": 32_503_680_000_i64}),
    ));
    let clock = Clock::system();
    assert_eq!(token.user(&clock).await.unwrap(), "QX3T9LM2AB7C");
    // The fingerprint is the same in every process and cannot be reversed.
    assert_eq!(
        Token::fixed("opaque").user(&clock).await.unwrap(),
        "token 997fb97631a215740c2a85a10ef2256f"
    );
}

#[tokio::test]
async fn a_canceled_fetch_fails_only_the_call_that_started_it() {
    struct Canceled(AtomicUsize);
    impl TokenSource for Canceled {
        fn fetch(&self) -> Fetching {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                tokio::task::yield_now().await;
                match number {
                    0 => Err(NoToken::Canceled("canceled".to_owned())),
                    _ => Ok("token".to_owned()),
                }
            })
        }
    }
    let token = Token::from_source(Arc::new(Canceled(AtomicUsize::new(0))));
    let clock = Clock::system();
    let (first, second) = tokio::join!(token.bearer(&clock), token.bearer(&clock));
    assert!(first.unwrap_err().to_string().contains("canceled"));
    assert_eq!(second.unwrap().secret.reveal(), "token");
}

#[tokio::test]
async fn concurrent_rejections_of_a_token_fetch_one_new_token() {
    struct Counting(AtomicUsize);
    impl TokenSource for Counting {
        fn fetch(&self) -> Fetching {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { Ok(format!("token{number}")) })
        }
    }
    let source = Arc::new(Counting(AtomicUsize::new(0)));
    let token = Token::from_source(source.clone());
    let clock = Clock::system();
    let refused = token.bearer(&clock).await.unwrap();
    for _ in 0..8 {
        assert_eq!(
            token.newer_than(&refused, &clock).await.unwrap().secret.reveal(),
            "token1"
        );
    }
    assert_eq!(source.0.load(Ordering::SeqCst), 2);
    assert_eq!(format!("{refused:?}").matches("token0").count(), 0);
}
