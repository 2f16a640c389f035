//! Sends the requests of a list and drops the bodies: the cost of reading before parsing.
//!
//! `benchmark-fetch <address> <assets>` requests the pages of this many assets from the benchmark server, one by one,
//! with the HTTP client of this package. Its CPU time is measured from outside.

use acc_assets::http::send::{Method, Network, Request, Transport};
use acc_assets::options::Options;

async fn fetch(address: &str, assets: usize) -> Result<(), Box<dyn std::error::Error>> {
    let options = Options {
        base_url: address.to_owned(),
        ..Options::default()
    };
    let network = Network::new(&options)?;
    for page in 0..assets.div_ceil(200) {
        let request = Request {
            method: Method::Get,
            url: format!(
                "{address}/construction/assets/v2/projects/benchmark/assets?limit=200&cursorState={page}"
            ),
            headers: vec![("authorization", "Bearer benchmark-token".to_owned())],
            body: None,
        };
        let response = network.send(request).await?;
        if response.status != 200 {
            return Err(format!("page {page}: status {}", response.status).into());
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(assets)) = (arguments.next(), arguments.next()) else {
        return Err("say the address and the number of assets".into());
    };
    // As many workers as in the Python client.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(fetch(&address, assets.parse()?))
}
