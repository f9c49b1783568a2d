//! A server that a scenario makes up for itself, where the sandbox has none.

use axum::Router;

/// Serves it on a port of this machine as long as the test runs; its origin.
pub async fn served(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    #[expect(clippy::disallowed_methods, reason = "a test's own server, which ends with it")]
    let _serves = tokio::spawn(async move { axum::serve(listener, app).await });
    origin
}
