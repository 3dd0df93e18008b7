using System.Buffers.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Node.Replica;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class FutureMetadataTests(SingleNode node)
{
    private static readonly HttpMethod[] Methods = [HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete];

    private readonly KvClient _client = node.Client;
    private readonly string _key = SingleNode.NewKey();

    [Fact]
    public async Task Metadata_that_could_be_of_a_skewed_clock_may_be_tried_again()
    {
        foreach (var method in Methods)
        {
            var answer = await SendAsync(method, TimeSpan.FromSeconds(30));
            AnswerAssert.Unavailable(answer, "Clock is behind the causal metadata", $"Error in {method}");
            Assert.InRange(int.Parse(answer.Header("Retry-After")!, null), 25, 31);
        }

        await LeavesNoTraceAsync();
    }

    [Fact]
    public async Task Metadata_from_further_ahead_is_refused()
    {
        foreach (var ahead in new[] { TimeSpan.FromSeconds(70), TimeSpan.FromDays(1), TimeSpan.FromDays(365 * 7000) })
        {
            foreach (var method in Methods) AnswerAssert.Error(await SendAsync(method, ahead), 400, "Causal metadata is from the future", $"Error in {method}");
        }

        await LeavesNoTraceAsync();
    }

    private async Task<KvAnswer> SendAsync(HttpMethod method, TimeSpan ahead)
    {
        var stamp = HybridTimestamp.At(DateTimeOffset.UtcNow.Add(ahead).ToUnixTimeMilliseconds());
        var token = Base64Url.EncodeToString(node.Node.Service<CausalTokenCodec>().Seal(new(new Epoch(1), stamp, VersionVector.Empty)));
        return await _client.SendAsync(method, KvClient.PathOf(_key), KvClient.BodyOf("1", token));
    }

    private async Task LeavesNoTraceAsync()
    {
        AnswerAssert.Absent(await _client.GetAsync(_key), "GET");
        AnswerAssert.Stored(await _client.PutAsync(_key, "1"), replaced: false);
        var bound = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 500;
        Assert.InRange(node.Node.Service<ReplicaState>().Snapshot.Current.Clock.Milliseconds, 0, bound);
        Assert.Equal(200, (await _client.GetPathAsync("/readyz")).Status);
    }
}
