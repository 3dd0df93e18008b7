using Kv.Node.Hosting;
using Kv.Node.Topology;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Hosting;

public sealed class NodeOptionsTests
{
    private const string Self = "10.0.0.2:8080";
    private const string View = "10.0.0.2:8080,10.0.0.3:8080";

    [Fact]
    public void No_variable_at_all_is_a_node_alone_on_8080()
    {
        var options = NodeOptions.Read(new ConfigurationBuilder().Build());
        Assert.Equal("0.0.0.0:8080", options.SocketAddress.ToString());
        Assert.Equal([options.SocketAddress], options.View);
        Assert.Null(options.ShardCount);
    }

    [Theory]
    [InlineData("2", 2)]
    [InlineData("1", 1)]
    [InlineData("", null)]
    [InlineData(" ", null)]
    [InlineData(null, null)]
    public void A_shard_count_that_is_not_given_is_not_taken_for_one(string? given, int? read) => Assert.Equal(read, Read(given).ShardCount);

    [Theory]
    [InlineData("0")]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("two")]
    public void A_shard_count_that_the_view_cannot_form_is_refused(string given) =>
        Assert.Contains("SHARD_COUNT must be 1 to the number of nodes in VIEW (2)", Assert.Throws<InvalidOptionsException>(() => Read(given)).Message);

    [Fact]
    public void The_patience_of_discovery_may_be_none_but_not_negative()
    {
        Assert.Empty(new TopologyOptions { DiscoveryPatience = TimeSpan.Zero }.Validate());
        Assert.Contains("Topology:DiscoveryPatience", Assert.Single(new TopologyOptions { DiscoveryPatience = TimeSpan.FromSeconds(-1) }.Validate()));
    }

    private static NodeOptions Read(string? shardCount) => NodeOptions.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { ["SOCKET_ADDRESS"] = Self, ["VIEW"] = View, ["SHARD_COUNT"] = shardCount })
        .Build());
}
