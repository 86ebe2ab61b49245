//! The kinds of objects that are used here.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    group: &'static str,
    plural: &'static str,
    /// Its name, as in a manifest.
    pub(crate) name: &'static str,
}

impl Kind {
    pub(crate) const DEPLOYMENT: Self = Self::new("apis/apps/v1", "deployments", "Deployment");
    pub(crate) const REPLICA_SET: Self = Self::new("apis/apps/v1", "replicasets", "ReplicaSet");
    pub(crate) const POD: Self = Self::new("api/v1", "pods", "Pod");
    pub(crate) const SERVICE: Self = Self::new("api/v1", "services", "Service");
    pub(crate) const SECRET: Self = Self::new("api/v1", "secrets", "Secret");
    pub(crate) const CLAIM: Self = Self::new("api/v1", "persistentvolumeclaims", "PersistentVolumeClaim");
    pub(crate) const AUTOSCALER: Self =
        Self::new("apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler");
    /// Served only where metrics-server, or something like it, is there.
    pub(crate) const POD_METRICS: Self = Self::new("apis/metrics.k8s.io/v1beta1", "pods", "PodMetrics");

    /// What is made for a service, in the order in which it is removed.
    pub(crate) const MADE: [Self; 5] =
        [Self::AUTOSCALER, Self::DEPLOYMENT, Self::SERVICE, Self::SECRET, Self::CLAIM];

    const fn new(group: &'static str, plural: &'static str, name: &'static str) -> Self {
        Self { group, plural, name }
    }

    /// The kind of a manifest, by its name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::MADE.into_iter().find(|kind| kind.name == name)
    }

    /// Its API group and the plural of its name, as access rules name them.
    pub(crate) fn rule(self) -> (&'static str, &'static str) {
        let group = self.group.strip_prefix("apis/").and_then(|group| group.split('/').next());
        (group.unwrap_or_default(), self.plural)
    }

    /// Where one is in a namespace, or with an empty name all of them.
    pub(crate) fn path(self, namespace: &str, name: &str) -> String {
        let end = if name.is_empty() { String::new() } else { format!("/{name}") };
        format!("/{}/namespaces/{namespace}/{}{end}", self.group, self.plural)
    }
}
