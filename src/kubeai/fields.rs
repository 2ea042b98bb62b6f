//! The fields of a Model's `spec`, with types, bounds and meanings: the CRD of KubeAI 0.22.1, and the values that 0.24
//! adds. The offline rules read it, and so does the manifest's JSON Schema.

use super::Version;

/// What a field may hold.
pub enum Type {
    Text,
    Flag,
    /// An integer with its bounds; `int32` fields end at 2^31-1.
    Integer(i64, i64),
    /// One of these words, each with the KubeAI that brought it.
    OneOf(&'static [(&'static str, Version)]),
    ListOf(&'static Type),
    MapOfText,
    Object(&'static [Field]),
}

pub struct Field {
    pub name: &'static str,
    pub about: &'static str,
    pub of: Type,
    pub required: bool,
}

const fn field(name: &'static str, of: Type, about: &'static str) -> Field {
    Field {
        name,
        about,
        of,
        required: false,
    }
}

const fn required(name: &'static str, of: Type, about: &'static str) -> Field {
    Field {
        name,
        about,
        of,
        required: true,
    }
}

const INT32: i64 = i32::MAX as i64;

const ENGINES: &[(&str, Version)] = &[
    ("OLlama", Version::V0_22),
    ("VLLM", Version::V0_22),
    ("FasterWhisper", Version::V0_22),
    ("Infinity", Version::V0_22),
    ("SGLang", Version::V0_24),
    ("LlamaCpp", Version::V0_24),
];

const FEATURES: &[(&str, Version)] = &[
    ("TextGeneration", Version::V0_22),
    ("TextEmbedding", Version::V0_22),
    ("Reranking", Version::V0_22),
    ("SpeechToText", Version::V0_22),
    ("SystemOne", Version::V0_24),
];

const STRATEGIES: &[(&str, Version)] = &[
    ("LeastLoad", Version::V0_22),
    ("PrefixHash", Version::V0_22),
];

const REFERENCE: &[Field] = &[
    field("name", Type::Text, "The object's name."),
    field(
        "optional",
        Type::Flag,
        "Whether pods start without the object.",
    ),
];

const ADAPTER: &[Field] = &[
    required("name", Type::Text, "1 to 63 of a-z, 0-9 and `-`."),
    required(
        "url",
        Type::Text,
        "Where it comes from: `hf://`, `s3://`, `gs://` or `oss://`.",
    ),
];

const LOAD_BALANCING: &[Field] = &[
    field(
        "strategy",
        Type::OneOf(STRATEGIES),
        "`LeastLoad` (KubeAI's default), or `PrefixHash`: like beginnings of prompts go to the replica that has them in its cache.",
    ),
    field(
        "prefixHash",
        Type::Object(PREFIX_HASH),
        "Settings of `PrefixHash`.",
    ),
];

const PREFIX_HASH: &[Field] = &[
    field(
        "meanLoadFactor",
        Type::Integer(100, i64::MAX),
        "A replica with more than this percentage of the mean load is passed over; KubeAI's default is 125.",
    ),
    field(
        "replication",
        Type::Integer(i64::MIN, i64::MAX),
        "Points of each replica on the hash ring; KubeAI's default is 256. It can't be changed later.",
    ),
    field(
        "prefixCharLength",
        Type::Integer(i64::MIN, i64::MAX),
        "Characters of a prompt that count; KubeAI's default is 100.",
    ),
];

const FILE: &[Field] = &[
    required("path", Type::Text, "Absolute and without `:`."),
    required("content", Type::Text, "At most 100,000 characters."),
];

const ENV_FROM: &[Field] = &[
    field(
        "prefix",
        Type::Text,
        "Stands before the name of each variable.",
    ),
    field(
        "configMapRef",
        Type::Object(REFERENCE),
        "A ConfigMap in KubeAI's namespace.",
    ),
    field(
        "secretRef",
        Type::Object(REFERENCE),
        "A Secret in KubeAI's namespace.",
    ),
];

/// The schema of `spec`.
pub const SPEC: &[Field] = &[
    required(
        "url",
        Type::Text,
        "Where the model comes from, such as `hf://OWNER/NAME`; also `pvc://`, `ollama://`, `s3://`, `gs://` and `oss://`, from KubeAI 0.24 on `oci://`.",
    ),
    required("engine", Type::OneOf(ENGINES), "The server that runs it."),
    required(
        "features",
        Type::ListOf(&Type::OneOf(FEATURES)),
        "What it is for: KubeAI serves it at the paths of these.",
    ),
    field(
        "resourceProfile",
        Type::Text,
        "`NAME:COUNT`: a resource profile of KubeAI's configuration, and how many of it one replica takes; such as `nvidia-gpu-l4:1`.",
    ),
    field(
        "cacheProfile",
        Type::Text,
        "A cache profile of KubeAI's configuration: files are loaded once, into a shared volume. It can't be changed later.",
    ),
    field(
        "adapters",
        Type::ListOf(&Type::Object(ADAPTER)),
        "LoRA adapters that VLLM loads beside the model.",
    ),
    field(
        "minReplicas",
        Type::Integer(0, INT32),
        "Fewest replicas; with 0, the default, the model scales to zero.",
    ),
    field(
        "maxReplicas",
        Type::Integer(1, INT32),
        "Most replicas; without it there is no limit.",
    ),
    field(
        "replicas",
        Type::Integer(-INT32 - 1, INT32),
        "Replicas, with `autoscalingDisabled: true` only: otherwise KubeAI sets it.",
    ),
    field(
        "autoscalingDisabled",
        Type::Flag,
        "Whether `replicas` stays as it is set.",
    ),
    field(
        "targetRequests",
        Type::Integer(1, INT32),
        "Requests at once that the autoscaler gives each replica; KubeAI's default is 100.",
    ),
    field(
        "scaleDownDelaySeconds",
        Type::Integer(i64::MIN, i64::MAX),
        "Seconds for which fewer replicas must be enough before some go; KubeAI's default is 30.",
    ),
    field(
        "loadBalancing",
        Type::Object(LOAD_BALANCING),
        "Which replica gets a request.",
    ),
    field(
        "files",
        Type::ListOf(&Type::Object(FILE)),
        "Files that are put into the container; at most 10.",
    ),
    field(
        "image",
        Type::Text,
        "The container image, in place of the one that KubeAI has for engine and profile.",
    ),
    field(
        "args",
        Type::ListOf(&Type::Text),
        "Further arguments for the engine.",
    ),
    field(
        "env",
        Type::MapOfText,
        "Environment variables of the engine; values are strings.",
    ),
    field(
        "envFrom",
        Type::ListOf(&Type::Object(ENV_FROM)),
        "Environment variables from ConfigMaps and Secrets.",
    ),
    field(
        "priorityClassName",
        Type::Text,
        "The PriorityClass of the pods.",
    ),
    field(
        "owner",
        Type::Text,
        "Without effect: KubeAI has deprecated it.",
    ),
];

/// Fields that shape a pod: a change of one makes KubeAI replace the model's pods.
pub const POD_FIELDS: &[&str] = &[
    "url",
    "engine",
    "resourceProfile",
    "cacheProfile",
    "files",
    "image",
    "args",
    "env",
    "envFrom",
    "priorityClassName",
];
