using System.Diagnostics;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

public sealed class CutTests(CutOffNode cluster) : IClassFixture<CutOffNode>
{
    private static readonly TimeSpan ViewBound = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task A_write_on_one_side_of_a_cut_is_waited_for_on_the_other_and_read_once_it_heals()
    {
        var key = SixNodes.NewName("cut");
        string token;
        string? dot;
        cluster.Cut();
        try
        {
            var put = await cluster.Alone.Client.PutAsync(key, "\"alone\"");
            Assert.True(put.Status == 201, put.ToString());
            token = put.Token;
            dot = await cluster.Alone.Probe.DotAsync(key);

            var watch = Stopwatch.StartNew();
            var refused = await cluster.Rest[0].Client.GetAsync(key, token);
            Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(8));
            Assert.True(refused.Status == 503, refused.ToString());
            Assert.Equal("Causal dependencies not satisfied", refused.Error);
            Assert.Equal("Error in GET", refused.Message);
            Assert.True(int.Parse(refused.Header("Retry-After")!, null) >= 1);
            Assert.Equal(dot, Assert.Single(refused.Member("missing").EnumerateArray()).GetString());

            // A client without that past is served all the while.
            Assert.Equal(404, (await cluster.Rest[0].Client.GetAsync(key)).Status);
            Assert.Equal(201, (await cluster.Rest[1].Client.PutAsync(SixNodes.NewName("cut"), "1")).Status);
        }
        finally
        {
            await cluster.HealAsync();
        }

        foreach (var node in cluster.Rest)
        {
            var read = await node.Client.GetAsync(key, token);
            Assert.True(read.Status == 200, read.ToString());
            Assert.Equal("\"alone\"", read.RawValue);
        }
    }

    [Fact]
    public async Task An_explicit_write_concern_is_not_met_by_the_minority_and_met_by_the_majority()
    {
        cluster.Cut();
        try
        {
            foreach (var concern in new[] { "all", "majority" })
            {
                // The first one finds the others still believed alive, the second one does not.
                var answer = await cluster.Alone.Client.PutAsync(SixNodes.NewName("cut"), "1", query: $"?w={concern}");
                Assert.True(answer.Status == 503, $"{concern}: {answer}");
                Assert.Equal("Write concern not satisfied", answer.Error);
                Assert.NotNull(answer.Header("Retry-After"));
                await LocalCluster.UntilViewAsync(cluster.Alone, [cluster.Alone.Address], ViewBound);
            }

            var majority = await cluster.Rest[0].Client.PutAsync(SixNodes.NewName("cut"), "1", query: "?w=majority");
            Assert.True(majority.Status == 201, majority.ToString());
            Assert.True(majority.Member("replicas").GetInt32() >= 2);
            Assert.Equal(503, (await cluster.Rest[0].Client.PutAsync(SixNodes.NewName("cut"), "1", query: "?w=all")).Status);
        }
        finally
        {
            await cluster.HealAsync();
        }

        Assert.Equal(201, (await cluster.Alone.Client.PutAsync(SixNodes.NewName("cut"), "1", query: "?w=all")).Status);
    }

    [Fact]
    public async Task Both_sides_of_a_cut_agree_once_it_heals()
    {
        var key = SixNodes.NewName("both");
        cluster.Cut();
        try
        {
            Assert.Equal(201, (await cluster.Alone.Client.PutAsync(key, "\"minority\"")).Status);
            await LocalCluster.UntilViewAsync(cluster.Alone, [cluster.Alone.Address], ViewBound);
            foreach (var node in cluster.Rest) await LocalCluster.UntilViewAsync(node, [.. cluster.Rest.Select(n => n.Address)], ViewBound);
            Assert.Equal(201, (await cluster.Rest[0].Client.PutAsync(key, "\"majority\"")).Status);
        }
        finally
        {
            await cluster.HealAsync();
        }

        // The later write wins everywhere, and it is one key.
        foreach (var node in cluster.Rest.Append(cluster.Alone))
            await Eventually.Async(() => node.Client.GetAsync(key), answer => answer is { Status: 200, RawValue: "\"majority\"" }, TimeSpan.FromSeconds(5), "the later write is everywhere");
        var counts = await Task.WhenAll(cluster.Rest.Append(cluster.Alone).Select(node => node.Client.KeyCountAsync()));
        Assert.Single(counts.Distinct());
    }
}
