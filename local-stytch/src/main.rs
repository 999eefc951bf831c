//! Skeleton.
use local_stytch::LocalStytch;
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stytch = LocalStytch::builder().address("127.0.0.1:3030".parse()?).start().await?;
    println!("{}", stytch.base_url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
