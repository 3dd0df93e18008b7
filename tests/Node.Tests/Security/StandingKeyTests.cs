using Kv.Node.Rest;
using Kv.Node.Security;
using Kv.TestSupport;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Security;

/// <summary>Answers without end are given for a key, and end with it.</summary>
public sealed class StandingKeyTests : IDisposable
{
    private const string Changes = "/key-value-store-changes?prefix=told";

    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(60));
    private readonly string _file = Path.GetTempFileName();

    private CancellationToken Stop => _patience.Token;

    public void Dispose()
    {
        _patience.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public async Task Streams_that_are_open_for_a_key_end_with_a_reason_when_it_is_taken_back_and_those_of_others_go_on()
    {
        await using var secured = await SecuredNode.StartAsync(null, "--Changes:HeartbeatInterval=00:00:00.2");
        using var feed = await OpenAsync(secured, Role.Write, Changes);
        using var events = await OpenAsync(secured, Role.Write, "/key-value-store-view/events");
        using var other = await OpenAsync(secured, Role.Read, Changes);
        await feed.NextOfAsync(Stop, "checkpoint");
        await events.NextOfAsync(Stop, "status");
        await other.NextOfAsync(Stop, "checkpoint");

        // Less than it was, and enough: it goes on.
        var lines = await File.ReadAllLinesAsync(secured.KeysFile, Stop);
        await File.WriteAllLinesAsync(secured.KeysFile, lines.Select(line => line.Replace("the-Write write", "the-Write read", StringComparison.Ordinal)), Stop);
        await Eventually.Async(async () => (await secured.As(Role.Write).PutAsync("probe", "1")).Status == 403, SecuredNode.Soon, "the key is one of read");
        await secured.As(Role.Admin).PutAsync("told", "2");
        Assert.Equal(["2"], (await feed.ChangesAsync(1, Stop)).Select(change => change.Value));

        await File.WriteAllLinesAsync(secured.KeysFile, lines.Where(line => !line.StartsWith("the-Write", StringComparison.Ordinal)), Stop);
        var refused = await feed.NextOfAsync(Stop, "refused");
        Assert.Equal(("API key is not known", "/problems/api-key-not-known"), (refused.Json.GetProperty("error").GetString(), refused.Json.GetProperty("type").GetString()));
        Assert.Null(await feed.NextAsync(Stop));
        Assert.Equal("API key is not known", (await events.NextOfAsync(Stop, "end")).Json.GetProperty("reason").GetString());
        Assert.Null(await events.NextAsync(Stop));
        Assert.Equal(401, (await OpenAsync(secured, Role.Write, Changes)).Status);

        await secured.As(Role.Admin).PutAsync("told", "3");
        Assert.Equal(["2", "3"], (await other.ChangesAsync(2, Stop)).Select(change => change.Value));
    }

    [Fact]
    public async Task A_client_that_does_not_read_just_then_is_told_when_it_reads_on()
    {
        await using var secured = await SecuredNode.StartAsync(null, "--Rest:Patience=00:00:30");
        using var feed = await OpenAsync(secured, Role.Write, Changes);
        await feed.NextOfAsync(Stop, "checkpoint");
        // More than the two ends of a connection hold between them.
        var large = $"\"{new string('x', 1_000_000)}\"";
        for (var i = 0; i < 24; i++) await secured.As(Role.Admin).PutAsync($"told-{i}", large);

        var lines = await File.ReadAllLinesAsync(secured.KeysFile, Stop);
        await File.WriteAllLinesAsync(secured.KeysFile, lines.Where(line => !line.StartsWith("the-Write", StringComparison.Ordinal)), Stop);
        await Eventually.Async(async () => (await secured.As(Role.Write).PutAsync("probe", "1")).Status == 401, SecuredNode.Soon, "the key is not known");

        Assert.Equal("/problems/api-key-not-known", (await feed.NextOfAsync(Stop, "refused")).Json.GetProperty("type").GetString());
        Assert.Null(await feed.NextAsync(Stop));
    }

    [Theory]
    [InlineData("read", "api-key-role")]
    [InlineData("", "api-key-not-known")]
    public async Task A_key_is_lost_when_its_role_does_not_suffice_any_more_as_well_as_when_it_is_gone(string role, string problem)
    {
        var (_, admin) = ApiKey.Make("admin", Role.Admin);
        var (_, key) = ApiKey.Make("key", Role.Write);
        await File.WriteAllTextAsync(_file, $"{admin}\n{key}\n", Stop);
        var keys = new Watched<ApiKeys>("api-keys", [("KV_API_KEYS_FILE", _file)], () => ApiKeys.Load("KV_API_KEYS_FILE", _file), null, NullLogger.Instance);
        var standing = new StandingKey(keys, key, Role.Write);
        var context = new DefaultHttpContext();
        var serving = standing.ServeAsync(context, async served =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, StandingKey.Of(served)!.Lost);
            }
            catch (OperationCanceledException)
            {
            }
        });

        await File.WriteAllTextAsync(_file, $"{admin}\n{key}\n# the same\n", Stop);
        keys.Look();
        Assert.False(serving.IsCompleted);
        Assert.Null(standing.Refusal);

        await File.WriteAllTextAsync(_file, role.Length == 0 ? $"{admin}\n" : $"{admin}\n{key.ToString().Replace(" write ", $" {role} ", StringComparison.Ordinal)}\n", Stop);
        keys.Look();
        await serving.WaitAsync(Stop);
        Assert.Equal(problem, standing.Refusal?.Name);
    }

    private Task<KvFeed> OpenAsync(SecuredNode secured, Role role, string path) => KvFeed.OpenAsync(secured.Node.Address, apiKey: secured.KeyOf(role), path: path, stop: Stop);
}
