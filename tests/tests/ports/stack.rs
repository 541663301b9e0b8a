//! A whole stack on the emulator: an execution that one process starts is moved by others, over DynamoDB, SQS, S3 and KMS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::aws::dynamodb::{CLAIMS, DynamoExecutionStore, TABLE};
use assay_adapters::aws::kms::KmsSecretBox;
use assay_adapters::aws::s3::S3BlobStore;
use assay_adapters::aws::sqs::SqsWorkQueue;
use assay_adapters::memory::MemoryNotifier;
use assay_app::delivery::{Dispatcher, DispatcherOptions, Watchdog, Worker, WorkerOptions};
use assay_app::plans::{Compiler, FlowFault, Plans};
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{BlobStore as _, Carried, Clock as _, ExecutionStore, JobRunner, JobStop, SecretBox as _};
use assay_app::usecases::{Executions, StartExecution};
use assay_engine::admission::Quota;
use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::id::{ExecutionId, FlowVersionId, ProjectId};
use assay_engine::job::{Job, JobResult, Outcome};
use assay_engine::plan::Plan;
use assay_engine::record::{Record, What};
use assay_engine::status::ExecutionStatus;
use assay_steps::registry::Types;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::aws::{config, names};
use crate::samples::organization;
use crate::sqs::{Now, Stack};

const FLOW: &str = "\
name: over there
secrets: [API_KEY]
steps:
  - {id: login, type: http, with: {url: 'http://shop/${secrets.API_KEY}'}, assert: status == 200}
  - {id: pause, needs: login, type: delay, with: {for: 2s}}
  - {id: each, needs: pause, type: http, foreach: '${inputs.skus}', with: {url: 'http://shop/${item}'}, assert: status == 200}
inputs: {skus: {type: array, default: [a, b, c, d, e, f, g, h, i, j, k, l]}}
";

struct Built;

impl Compiler for Built {
    fn compile(&self, _version: &FlowVersionId, bundle: &Bundle, _main: &str) -> Result<Arc<Plan>, FlowFault> {
        match compile(bundle, &Types, &Programs::default()) {
            Ok(compiled) => Ok(compiled.plan),
            Err(problems) => panic!("{}", problems.render(Style::Plain)),
        }
    }
}

/// Answers every job at once, after having found its secrets as a step function does.
struct Answers {
    store: Arc<dyn ExecutionStore>,
    blobs: Arc<S3BlobStore>,
    secret_box: KmsSecretBox,
}

#[async_trait::async_trait]
impl JobRunner for Answers {
    async fn carry_out(&self, job: Arc<Job>, _stop: JobStop) -> Carried {
        let began = Now.now();
        let version = self.store.flow_version(&job.flow_version).await.unwrap().unwrap();
        for name in &job.secrets {
            let value = self.secret_box.open(&job.organization, &version.sealed[name]).await.unwrap();
            assert_eq!(value, "hunter2");
            let key = format!("{}/{}/{}", job.organization, job.execution, job.fence.step);
            self.blobs.put(&key, "text/plain", "seen".into()).await.unwrap();
        }
        Carried::Finished(Box::new(JobResult::of(Outcome::Passed, began, Now.now())))
    }
}

struct Process {
    platform: Arc<Platform>,
    dispatcher: Arc<Dispatcher>,
    blobs: Arc<S3BlobStore>,
    secret_box: KmsSecretBox,
    queue: Arc<SqsWorkQueue>,
}

impl Process {
    async fn new(stack: &Stack, process: &str) -> Self {
        let config = config(&stack.account).await;
        let client = aws_sdk_dynamodb::Client::new(&config);
        let (table, claims) = (names().table(), names().claims_table());
        let store = Arc::new(DynamoExecutionStore::new(client, &table, &claims, Arc::new(Now), process));
        let blobs = Arc::new(S3BlobStore::new(&config, names().bucket(&stack.account, "us-east-1")));
        let queue = Arc::new(stack.queue(Arc::new(Now)).await);
        let ports = Ports {
            store,
            queue: queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: blobs.clone(),
            clock: Arc::new(Now),
        };
        let quota = Quota { slots: 100, waiting: 100, width: 8 };
        let platform =
            Arc::new(Platform::new(ports, Arc::new(Plans::new(Arc::new(Built))), Charge::everything(), quota));
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
        let secret_box = KmsSecretBox::new(&config, names().key_alias());
        Self { platform, dispatcher, blobs, secret_box, queue }
    }

    /// What its functions do.
    fn work(self, loops: &mut JoinSet<()>, shutdown: &CancellationToken) {
        let store = self.platform.store.clone();
        let runner = Answers { store: store.clone(), blobs: self.blobs, secret_box: self.secret_box };
        let options = WorkerOptions::default();
        let worker = Worker::new(store, self.queue, Arc::new(runner), Arc::new(Now), "there", options);
        let watchdog = Watchdog::new(self.platform, Duration::from_secs(5));
        let [a, b, c] = std::array::from_fn(|_| shutdown.clone());
        loops.spawn(async move { self.dispatcher.run(a).await });
        loops.spawn(async move { worker.run(b).await });
        loops.spawn(async move { watchdog.run(c).await });
    }
}

async fn prepare(stack: &Stack) {
    let config = config(&stack.account).await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    TABLE.create(&client, &names().table()).await.unwrap();
    CLAIMS.create(&client, &names().claims_table()).await.unwrap();
    crate::kms::key(&config).await;
    let own = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let bucket = names().bucket(&stack.account, "us-east-1");
    aws_sdk_s3::Client::from_conf(own).create_bucket().bucket(bucket).send().await.unwrap();
}

async fn verdict(process: &Process, id: &ExecutionId) -> (ExecutionStatus, Vec<Record>) {
    let begin = tokio::time::Instant::now();
    loop {
        let loaded = process.platform.store.load(id, &[]).await.unwrap().unwrap();
        if loaded.head.status.ended() {
            return (loaded.head.status, process.platform.store.records(id, 0, 1_000).await.unwrap());
        }
        assert!(begin.elapsed() < Duration::from_secs(90), "no verdict: {:?}", loaded.head);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_starts_others_carry_out() {
    let stack = Stack::new(60, 20).await;
    prepare(&stack).await;
    let outside = Process::new(&stack, "outside").await;
    let executions = Executions::new(outside.platform.clone(), outside.dispatcher.clone());
    let sealed = outside.secret_box.seal(&organization(), "hunter2").await.unwrap();
    let bundle = Bundle {
        runs_at: RunsAt::Server,
        sealed: BTreeMap::from([("API_KEY".to_owned(), sealed)]),
        ..Bundle::of_text("flow.yaml", FLOW)
    };
    let start = |key: &str| StartExecution {
        organization: organization(),
        project: ProjectId::derived(&["project"]),
        key: key.to_owned(),
        bundle: Arc::new(bundle.clone()),
        inputs: BTreeMap::new(),
        labels: BTreeMap::new(),
        seed: 7,
        rerun: None,
        file: None,
        keep: None,
        only: None,
    };
    let id = executions.start(start("one")).await.unwrap().id;
    let other = executions.start(start("two")).await.unwrap().id;
    executions.cancel(&other, "ann", false).await.unwrap();

    let (mut loops, shutdown) = (JoinSet::new(), CancellationToken::new());
    Process::new(&stack, "there-1").await.work(&mut loops, &shutdown);
    Process::new(&stack, "there-2").await.work(&mut loops, &shutdown);
    let (status, records) = verdict(&outside, &id).await;
    assert_eq!(status, ExecutionStatus::Passed, "{records:#?}");
    let numbers: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=records.len() as u64).collect::<Vec<_>>(), "no gap");
    let instances = records
        .iter()
        .filter(|record| matches!(&record.what, What::StepFinished { place, .. } if place.instance.is_some()));
    assert_eq!(instances.count(), 12);
    let seen = outside.blobs.get(&format!("{}/{id}/login", organization())).await.unwrap().unwrap();
    assert_eq!(seen.bytes, "seen");
    assert_eq!(verdict(&outside, &other).await.0, ExecutionStatus::Cancelled);
    shutdown.cancel();
    while loops.join_next().await.is_some() {}
}
