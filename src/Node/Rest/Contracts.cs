using System.Text.Json.Serialization;

namespace Kv.Node.Rest;

internal sealed record MessageAnswer(string Message);

internal sealed record ViewAnswer(string Message, string View);

internal sealed record ShardIdsAnswer(string Message, [property: JsonPropertyName("shard-ids")] string ShardIds);

internal sealed record NodeShardIdAnswer(string Message, [property: JsonPropertyName("shard-id")] string ShardId);

internal sealed record ShardMembersAnswer(string Message, [property: JsonPropertyName("shard-id-members")] string Members);

internal sealed record KeyCountAnswer(string Message, [property: JsonPropertyName("shard-id-key-count")] long KeyCount);

internal sealed record ProbeAnswer(string Status);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MessageAnswer))]
[JsonSerializable(typeof(ViewAnswer))]
[JsonSerializable(typeof(ShardIdsAnswer))]
[JsonSerializable(typeof(NodeShardIdAnswer))]
[JsonSerializable(typeof(ShardMembersAnswer))]
[JsonSerializable(typeof(KeyCountAnswer))]
[JsonSerializable(typeof(ProbeAnswer))]
internal sealed partial class RestJsonContext : JsonSerializerContext;
