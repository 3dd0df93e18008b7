using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>One client's chain of tokens over all nodes.</summary>
public sealed class CausalChainTests(Cluster cluster) : ClusterScenario(cluster)
{
    [Fact]
    public async Task A_write_through_any_node_is_read_through_any_other_with_its_token_at_once()
    {
        foreach (var writer in Nodes)
        {
            var key = $"any-{Guid.NewGuid():N}";
            var written = await writer.PutAsync(key, writer.Name);
            Assert.True(written.Status == 201, written.ToString());
            foreach (var reader in Nodes)
            {
                var read = await reader.ReadAsync(key, written.Token);
                Assert.True(read.Status == 200 && read.Text("value") == writer.Name, $"{writer.Name} to {reader.Name}: {read}");
            }
        }
    }

    [Fact]
    public async Task Six_hundred_keys_in_a_chain_of_tokens_are_all_there_and_the_counts_of_the_shards_add_up()
    {
        const int Keys = 600;
        var run = Guid.NewGuid().ToString("N");
        var before = await Nodes[0].KeyCountAsync();

        var token = "";
        for (var i = 0; i < Keys; i++)
        {
            var written = await Nodes[i % Nodes.Count].PutAsync($"{run}-{i}", $"value {i}", token, pooled: true);
            Assert.True(written.Status == 201, $"key {i}: {written}");
            token = written.Token;
        }

        for (var i = 0; i < Keys; i++)
        {
            var read = await Nodes[(i + 1) % Nodes.Count].ReadAsync($"{run}-{i}", token, pooled: true);
            Assert.True(read.Status == 200 && read.Text("value") == $"value {i}", $"key {i}: {read}");
            token = read.Token;
        }

        await Until.NoProblemAsync("every node counts the new keys", TimeSpan.FromSeconds(10), async () =>
        {
            foreach (var node in Nodes)
            {
                var added = await node.KeyCountAsync() - before;
                if (added != Keys)
                {
                    return $"{node.Name} counts {added} new keys";
                }
            }

            return null;
        });
    }
}
