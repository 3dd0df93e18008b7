using System.Text.Json;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

/// <summary>What the contract says of whole answers.</summary>
internal static class AnswerAssert
{
    /// <summary>An error: JSON with exactly this <c>error</c> and <c>message</c>.</summary>
    public static void Error(KvAnswer answer, int status, string error, string message)
    {
        Assert.True(answer.Status == status && answer.Json is not null, $"{status} expected: {answer}");
        Assert.Equal("application/json", answer.Header("Content-Type"));
        Assert.Equal(error, answer.Error);
        Assert.Equal(message, answer.Message);
    }

    /// <summary>503 comes with a Retry-After of at least one second.</summary>
    public static void Unavailable(KvAnswer answer, string error, string message)
    {
        Error(answer, 503, error, message);
        Assert.True(int.TryParse(answer.Header("Retry-After"), out var seconds) && seconds >= 1, $"Retry-After: {answer.Header("Retry-After")}");
    }

    public static void Stored(KvAnswer answer, bool replaced)
    {
        Assert.True(answer.Status == (replaced ? 200 : 201), answer.ToString());
        Assert.Equal("application/json", answer.Header("Content-Type"));
        Assert.Equal(replaced ? "Updated successfully" : "Added successfully", answer.Message);
        Assert.Equal(replaced ? JsonValueKind.True : JsonValueKind.False, answer.Member("replaced").ValueKind);
        Assert.NotEmpty(answer.Token);
        Assert.Equal(answer.Token, answer.Version);
        Assert.Equal("0", answer.Text("shard-id"));
    }

    public static void Found(KvAnswer answer, string value)
    {
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.Equal("application/json", answer.Header("Content-Type"));
        Assert.Equal("Retrieved successfully", answer.Message);
        Assert.Equal(JsonValueKind.True, answer.Member("doesExist").ValueKind);
        Assert.Equal(value, answer.RawValue);
        Assert.NotEmpty(answer.Token);
        Assert.NotEmpty(answer.Version);
        Assert.Equal("0", answer.Text("shard-id"));
    }

    public static void Deleted(KvAnswer answer)
    {
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.Equal("Deleted successfully", answer.Message);
        Assert.Equal(JsonValueKind.True, answer.Member("doesExist").ValueKind);
        Assert.NotEmpty(answer.Token);
        Assert.Equal(answer.Token, answer.Version);
        Assert.Equal("0", answer.Text("shard-id"));
    }

    public static void Absent(KvAnswer answer, string method)
    {
        Error(answer, 404, "Key does not exist", $"Error in {method}");
        Assert.Equal(JsonValueKind.False, answer.Member("doesExist").ValueKind);
        Assert.NotEmpty(answer.Token);
    }
}
