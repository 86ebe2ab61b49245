//! The control API: builds, their progress, and what there is.

use crate::builds::{Builds, Caches, Returned, Running};
use crate::failure::{self, status};
use crate::progress::Progress;
use crate::work::Outcome;
use crate::{BuildKit, export, work};
use bollard_buildkit_proto::moby::buildkit::v1::control_server::Control;
use bollard_buildkit_proto::moby::buildkit::v1::types::{BuildkitVersion, WorkerRecord};
use bollard_buildkit_proto::moby::buildkit::v1::{
    BuildHistoryEvent, BuildHistoryRequest, BytesMessage, DiskUsageRequest, DiskUsageResponse, InfoRequest,
    InfoResponse, ListWorkersRequest, ListWorkersResponse, PruneRequest, SolveRequest, SolveResponse,
    StatusRequest, StatusResponse, UpdateBuildHistoryRequest, UpdateBuildHistoryResponse, UsageRecord,
};
use bollard_buildkit_proto::pb::Platform;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::sync::Arc;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

/// The version of BuildKit's API that is answered, which clients compare.
const VERSION: &str = "v0.13.0";

type Answer<T> = Result<Response<T>, Status>;
type Many<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl Control for BuildKit {
    type PruneStream = Many<UsageRecord>;
    type StatusStream = Many<StatusResponse>;
    type SessionStream = Many<BytesMessage>;
    type ListenBuildHistoryStream = Many<BuildHistoryEvent>;

    async fn solve(&self, request: Request<SolveRequest>) -> Answer<SolveResponse> {
        let request = request.into_inner();
        let running = Running {
            session: request.session.clone(),
            cache: Caches::of(&request).map_err(|error| status(&error))?,
            may_use_host_network: request.entitlements.iter().any(|it| it == "network.host"),
            progress: Arc::new(Progress::new(&request.r#ref)),
            returned: watch::Sender::new(None),
        };
        for import in request.cache.iter().flat_map(|cache| &cache.imports) {
            if import.r#type != "registry" {
                running.progress.note(&format!(
                    "a cache from {} is not possible: the build only takes longer",
                    import.r#type
                ));
            }
        }
        let entry = Builds::begin(&self.shared, &request.r#ref, running).map_err(|error| status(&error))?;
        let result = self.solved(&entry.running, request).await;
        result.map(|exporter_response| Response::new(SolveResponse { exporter_response }))
    }

    async fn status(&self, request: Request<StatusRequest>) -> Answer<Self::StatusStream> {
        let reference = request.into_inner().r#ref;
        let running = self.shared.builds.find(&reference).await.map_err(|error| status(&error))?;
        let progress = Arc::clone(&running.progress);
        Ok(Response::new(progress.follow().map(Ok).boxed()))
    }

    async fn list_workers(&self, _: Request<ListWorkersRequest>) -> Answer<ListWorkersResponse> {
        Ok(Response::new(ListWorkersResponse { record: vec![self.worker()] }))
    }

    async fn info(&self, _: Request<InfoRequest>) -> Answer<InfoResponse> {
        Ok(Response::new(InfoResponse { buildkit_version: Some(version()) }))
    }

    async fn disk_usage(&self, _: Request<DiskUsageRequest>) -> Answer<DiskUsageResponse> {
        let record = self.usage().await.map_err(|error| status(&error))?;
        Ok(Response::new(DiskUsageResponse { record }))
    }

    async fn prune(&self, request: Request<PruneRequest>) -> Answer<Self::PruneStream> {
        let records = self.prune_cache(request.into_inner()).await.map_err(|error| status(&error))?;
        Ok(Response::new(futures_util::stream::iter(records.into_iter().map(Ok)).boxed()))
    }

    async fn session(&self, _: Request<Streaming<BytesMessage>>) -> Answer<Self::SessionStream> {
        Err(Status::unimplemented("sessions are opened by POST /session"))
    }

    async fn listen_build_history(
        &self,
        _: Request<BuildHistoryRequest>,
    ) -> Answer<Self::ListenBuildHistoryStream> {
        Err(Status::unimplemented("there is no history of builds"))
    }

    async fn update_build_history(
        &self,
        _: Request<UpdateBuildHistoryRequest>,
    ) -> Answer<UpdateBuildHistoryResponse> {
        Err(Status::unimplemented("there is no history of builds"))
    }
}

impl BuildKit {
    /// Builds, or waits until the client has built through the gateway, and hands the result over.
    async fn solved(
        &self,
        running: &Running,
        request: SolveRequest,
    ) -> Result<std::collections::HashMap<String, String>, Status> {
        let image = match request.frontend.as_str() {
            "" if request.definition.as_ref().is_some_and(|it| !it.def.is_empty()) => {
                return Err(Status::unimplemented(
                    "steps that the client put together itself (LLB) are not carried out: build a Dockerfile",
                ));
            }
            "" => {
                let mut returned = running.returned.subscribe();
                let returned = returned
                    .wait_for(Option::is_some)
                    .await
                    .map_err(|_| Status::cancelled("the client has left"))?
                    .clone();
                match returned {
                    Some(Returned::Failed(status)) => return Err(status),
                    Some(Returned::Image(image)) => image,
                    None => None,
                }
            }
            "dockerfile.v0" => {
                let built =
                    work::build(self, running, request.frontend_attrs.clone(), Default::default()).await;
                match built.map_err(|error| status(&error))? {
                    Outcome::Image(image) => Some(image),
                    Outcome::Checked(_) => None,
                }
            }
            other => return Err(failure::unknown_frontend(other)),
        };
        export::all(self, running, image.as_deref(), &request).await.map_err(|error| status(&error))
    }

    /// The one worker: this engine.
    pub(crate) fn worker(&self) -> WorkerRecord {
        let platform = Platform {
            os: "linux".to_owned(),
            architecture: sampan_image::host_architecture().to_owned(),
            ..Platform::default()
        };
        let labels = [
            ("org.mobyproject.buildkit.worker.executor", "sampan"),
            ("org.mobyproject.buildkit.worker.moby.host-gateway-ip", &self.engine.host_gateway()),
            // Clients offer outputs, pushes and caches only to engines that name this.
            ("org.mobyproject.buildkit.worker.snapshotter", "sampan"),
        ];
        WorkerRecord {
            id: self.engine.instance().to_owned(),
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            platforms: vec![platform],
            buildkit_version: Some(version()),
            ..WorkerRecord::default()
        }
    }
}

fn version() -> BuildkitVersion {
    BuildkitVersion {
        package: "sampan".to_owned(),
        version: VERSION.to_owned(),
        revision: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
