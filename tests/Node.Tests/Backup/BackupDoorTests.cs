using System.Globalization;
using System.Net;
using Kv.Node.Hosting;
using Kv.Node.Tests.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Backup;

/// <summary>Backup and restore through the door of one node, with a cluster of its own each.</summary>
public sealed class BackupDoorTests : IAsyncLifetime
{
    private const string Overwrite = BackupFile.Path + "?overwrite=true";

    private InProcessNode _source = null!;
    private InProcessNode _target = null!;

    public async ValueTask InitializeAsync()
    {
        _source = await InProcessNode.StartAsync();
        _target = await InProcessNode.StartAsync(options: ["--Backup:SortBytes=65536", "--Backup:RestoreWindow=7", "--Storage:MinFreeBytes=0", "--Storage:FloorFreeBytes=0"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _target.DisposeAsync();
    }

    [Fact]
    public async Task A_backup_has_what_there_is_and_a_restore_gives_it_back()
    {
        for (var i = 0; i < 100; i++) await PutAsync(_source, $"k{i}", $$"""{"n": {{KvClient.Number(i)}}, "padding": "{{new string('x', 2000)}}"}""");
        await PutAsync(_source, "k7", "\"newer\"");
        await PutAsync(_source, "gone", "1");
        await _source.Client.DeleteAsync("gone");

        var file = await BackupAsync(_source);
        var backup = BackupFile.Read(file);
        Assert.Equal(100, backup.Values.Count);
        Assert.Equal("\"newer\"", backup.Values["k7"]);
        Assert.False(backup.Values.ContainsKey("gone"));

        var restored = await RestoreAsync(_target, file);
        Assert.True(restored.Status == 200, restored.ToString());
        Assert.Equal("Restored successfully", restored.Message);
        Assert.Equal((100, backup.Content.ToString(), true), (restored.Member("keys").GetInt64(), restored.Text("digest"), restored.Member("verified").GetBoolean()));
        foreach (var (key, value) in backup.Values) Assert.Equal(value, (await _target.Client.GetAsync(key, restored.Token)).RawValue);
        foreach (var node in (InProcessNode[])[_source, _target])
        {
            var digest = await node.Client.GetPathAsync($"{BackupFile.Path}/digest");
            Assert.Equal((100, backup.Content.ToString()), (digest.Member("keys").GetInt64(), digest.Text("digest")));
        }

        var status = await _target.Client.GetPathAsync($"{BackupFile.Path}/status");
        Assert.Equal("none", status.Text("stage"));
        Assert.Equal(("digest", "done"), (status.Member("last").GetProperty("kind").GetString(), status.Member("last").GetProperty("end").GetString()));
    }

    [Fact]
    public async Task An_empty_cluster_has_an_empty_backup() =>
        Assert.True((await RestoreAsync(_target, await BackupAsync(_source))).Member("verified").GetBoolean());

    [Fact]
    public async Task A_cluster_with_keys_is_overwritten_only_when_that_is_asked_for_and_as_often_as_it_is()
    {
        await PutAsync(_source, "both", "\"from the backup\"");
        var file = await BackupAsync(_source);
        await PutAsync(_target, "both", "\"here before\"");
        await PutAsync(_target, "here", "1");

        var refused = await RestoreAsync(_target, file);
        Assert.Equal((409, "Cluster is not empty", "Error in PUT"), (refused.Status, refused.Error, refused.Message));
        Assert.Equal("\"here before\"", (await _target.Client.GetAsync("both")).RawValue);

        for (var time = 0; time < 2; time++)
        {
            var restored = await RestoreAsync(_target, file, Overwrite);
            Assert.Equal((200, false), (restored.Status, restored.Member("verified").GetBoolean()));
            Assert.Equal("\"from the backup\"", (await _target.Client.GetAsync("both", restored.Token)).RawValue);
            Assert.Equal("1", (await _target.Client.GetAsync("here")).RawValue);
        }

        await _target.Client.DeleteAsync("here");
        Assert.True((await RestoreAsync(_target, file, Overwrite)).Member("verified").GetBoolean());
    }

    [Fact]
    public async Task What_is_no_whole_backup_is_refused_and_leaves_no_trace()
    {
        for (var i = 0; i < 40; i++) await PutAsync(_source, $"k{i}", $"\"{new string('y', 4000)}\"");
        var file = await BackupAsync(_source);
        var flipped = (byte[])file.Clone();
        flipped[flipped.Length / 2] ^= 1;

        foreach (var (body, error) in (IEnumerable<(byte[], string)>)[
            (file[..^1], "before its end"), (file[..100], "before its end"), ([.. file, 0], "after its end"), (flipped, "checksum"),
            ([], "not a backup"), ("{}"u8.ToArray(), "not a backup")])
        {
            var refused = await RestoreAsync(_target, body);
            Assert.True(refused.Status == 400 && refused.Error.Contains(error, StringComparison.Ordinal), refused.ToString());
            Assert.Equal("Error in PUT", refused.Message);
        }

        Assert.Equal(0, await _target.Client.KeyCountAsync());
        Assert.Equal(200, (await RestoreAsync(_target, file)).Status);
    }

    [Fact]
    public async Task What_could_not_be_put_is_not_restored()
    {
        await using var narrow = await InProcessNode.StartAsync(options: ["--Requests:MaxKeyCharacters=5"]);
        await PutAsync(_source, "longer than five", "1");
        var refused = await RestoreAsync(narrow, await BackupAsync(_source));
        Assert.Equal((400, "Backup has a key of 16 characters, and 5 are allowed here"), (refused.Status, refused.Error));
        Assert.Equal(0, await narrow.Client.KeyCountAsync());
    }

    [Fact]
    public async Task One_runs_at_a_time_and_tells_how_far_it_is()
    {
        using var slow = await RawConnection.OpenAsync(_target.Port);
        var file = await BackupAsync(_source);
        await slow.SendAsync($"PUT {BackupFile.Path} HTTP/1.1\r\nHost: a\r\nContent-Length: {file.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\nKVBACK");
        await Eventually.Async(
            async () => (await _target.Client.GetPathAsync($"{BackupFile.Path}/status")).Text("stage"), stage => stage == "receiving", TimeSpan.FromSeconds(10), "the restore is receiving");

        foreach (var path in (string[])[BackupFile.Path, $"{BackupFile.Path}/digest"])
        {
            var busy = await _target.Client.GetPathAsync(path);
            Assert.Equal((409, "A backup or a restore is running at this node", "Error in GET"), (busy.Status, busy.Error, busy.Message));
        }

        slow.Dispose();
        await Eventually.Async(
            async () => (await _target.Client.GetPathAsync($"{BackupFile.Path}/status")).Text("stage"), stage => stage == "none", TimeSpan.FromSeconds(10), "the restore was broken off");
    }

    [Fact]
    public async Task A_client_that_takes_too_long_is_ended()
    {
        await using var impatient = await InProcessNode.StartAsync(options: ["--Backup:ClientPatience=00:00:00.2"]);
        for (var i = 0; i < 24; i++) await PutAsync(impatient, $"k{i}", $"\"{new string('z', 900_000)}\"");
        using var idle = await RawConnection.OpenAsync(impatient.Port, receiveBuffer: 4096);
        await idle.SendAsync($"GET {BackupFile.Path} HTTP/1.1\r\nHost: a\r\n\r\n");
        var status = await Eventually.Async(
            () => impatient.Client.GetPathAsync($"{BackupFile.Path}/status"), answer => answer.Json!.Value.TryGetProperty("last", out _), TimeSpan.FromSeconds(20), "the backup has ended");
        Assert.StartsWith("The client is too slow", status.Member("last").GetProperty("end").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "", 405)]
    [InlineData("DELETE", "", 405)]
    [InlineData("GET", "/else", 404)]
    [InlineData("PUT", "?overwrite=perhaps", 400)]
    public async Task Anything_else_is_refused(string method, string more, int status)
    {
        var answer = await _target.Client.SendAsync(new(method), BackupFile.Path + more, "x");
        Assert.Equal((status, $"Error in {method}"), (answer.Status, answer.Message));
    }

    [Fact]
    public async Task A_file_is_verified_without_a_cluster()
    {
        await PutAsync(_source, "key", "1");
        var file = await BackupAsync(_source);
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.kvb");
        try
        {
            Assert.Equal(2, await VerifyAsync(path, "Could not find file"));
            await File.WriteAllBytesAsync(path, file, TestContext.Current.CancellationToken);
            Assert.Equal(0, await VerifyAsync(path, $"digest   {BackupFile.Read(file).Content}"));
            await File.WriteAllBytesAsync(path, file[..^5], TestContext.Current.CancellationToken);
            Assert.Equal(3, await VerifyAsync(path, "before its end"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<int?> VerifyAsync(string path, string expected)
    {
        var output = new StringWriter();
        var code = await CommandLine.TryServeAsync(["--verify-backup", path], output);
        Assert.Contains(expected, output.ToString(), StringComparison.Ordinal);
        return code;
    }

    private static async Task PutAsync(InProcessNode node, string key, string value)
    {
        var put = await node.Client.PutAsync(key, value);
        Assert.True(put.Status is 200 or 201, put.ToString());
    }

    private static async Task<byte[]> BackupAsync(InProcessNode node)
    {
        var answer = await node.Client.GetPathAsync(BackupFile.Path);
        Assert.True(answer.Status == (int)HttpStatusCode.OK, answer.ToString());
        return answer.Raw;
    }

    private static Task<KvAnswer> RestoreAsync(InProcessNode node, byte[] file, string path = BackupFile.Path) =>
        node.Client.SendAsync(HttpMethod.Put, path, file, contentType: "application/octet-stream");
}
