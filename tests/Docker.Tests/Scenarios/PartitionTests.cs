using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>A replica that its shard cannot hear: what it accepts is not readable elsewhere until the cut heals, and never silently missing.</summary>
public sealed class PartitionTests(Cluster cluster) : ClusterScenario(cluster)
{
    [Fact]
    public async Task A_write_on_the_far_side_of_a_cut_is_refused_to_its_token_until_the_cut_heals_and_then_read()
    {
        const string Shard = "0";
        var members = await Cluster.MembersAsync(Shard);
        var (a, b, c) = (members[0], members[1], members[2]);
        var key = await KeyInShardAsync(Shard);

        Answer written;
        await using (await Cut.BetweenAsync(a, b, c))
        {
            written = await a.PutAsync(key, "from A");
            Assert.True(written.Accepted, $"write at A: {written}");

            var refused = await b.ReadAsync(key, written.Token);
            Assert.True(refused is { Status: 503, SaysRetryAfter: true }, $"read at B: {refused}");
        }

        await Until.NoProblemAsync("B has the write of A", TimeSpan.FromSeconds(20), async () =>
        {
            var read = await b.ReadAsync(key, written.Token);
            return read.Status == 200 && read.Text("value") == "from A" ? null : $"read at B: {read}";
        });
    }
}
