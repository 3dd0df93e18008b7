using System.Text;
using Kv.Common.Identity;
using Kv.Node.Storage;
using Kv.StorageContract.Crash;
using Xunit;

namespace Kv.StorageContract;

public sealed class DataDirectoryTests : IDisposable
{
    private static readonly ClusterId Cluster = new(0xC1);
    private static readonly NodeAddress Address = NodeAddress.Parse("10.0.0.2:8082");

    private readonly TemporaryDirectory _temporary = new();

    private string Path => _temporary.Under("data");

    private string IdentityPath => System.IO.Path.Combine(Path, "identity");

    [Fact]
    public void The_incarnation_is_made_once_and_never_zero()
    {
        var random = new Queue<ulong>([0, 0, 42, 43]);
        using (var made = Open(random.Dequeue))
        {
            Assert.True(made.IsNew);
            Assert.Equal(new Incarnation(42), made.Incarnation);
            Assert.Equal(Path, made.Path);
        }

        using var found = Open(random.Dequeue);
        Assert.False(found.IsNew);
        Assert.Equal(new Incarnation(42), found.Incarnation);
        Assert.Single(random);
    }

    [Fact]
    public void An_identity_that_was_not_finished_is_made_anew()
    {
        Directory.CreateDirectory(Path);
        File.WriteAllText(IdentityPath + ".new", "format 1\ncluster 00");
        using var made = Open();
        Assert.True(made.IsNew);
    }

    [Fact]
    public void A_directory_of_another_cluster_is_refused()
    {
        Open().Dispose();
        Assert.Contains("belongs to cluster 00000000000000c1, and this node to cluster 00000000000000c2", Refusal(cluster: new ClusterId(0xC2)));
    }

    [Fact]
    public void A_copied_directory_is_refused()
    {
        Open().Dispose();
        Assert.Contains("made for the node at 10.0.0.2:8082, and this node is at 10.0.0.3:8082: it looks copied", Refusal(address: NodeAddress.Parse("10.0.0.3:8082")));
    }

    [Fact]
    public void A_newer_format_is_refused_whatever_else_the_file_says()
    {
        Directory.CreateDirectory(Path);
        File.WriteAllText(IdentityPath, "format 2\nsomething else\n");
        Assert.Contains("has format 2, and this build knows formats up to 1", Refusal());
    }

    [Fact]
    public void Any_changed_byte_of_the_identity_is_refused()
    {
        Open().Dispose();
        var good = File.ReadAllBytes(IdentityPath);
        for (var at = 0; at < good.Length; at++)
        {
            foreach (var flip in new byte[] { 0x01, 0x10, 0x80 })
            {
                var bad = (byte[])good.Clone();
                bad[at] ^= flip;
                File.WriteAllBytes(IdentityPath, bad);
                // A changed format number is rightly reported as a newer format.
                Assert.Matches("is damaged|has format", Refusal());
            }

            File.WriteAllBytes(IdentityPath, good[..at]);
            Assert.Contains("is damaged", Refusal());
        }
    }

    [Fact]
    public void Data_without_an_identity_is_refused()
    {
        using (var made = Open()) Directory.CreateDirectory(made.StorePath);
        File.Delete(IdentityPath);
        Assert.Contains("its identity file is missing", Refusal());
    }

    [Fact]
    public void A_directory_that_cannot_be_made_or_written_is_refused()
    {
        File.WriteAllText(Path, "a file");
        Assert.Contains("is not writable", Refusal());
        Assert.Contains("is not writable", Refusal(path: System.IO.Path.Combine(Path, "below")));
    }

    [Fact]
    public void A_directory_in_use_is_refused_until_it_is_released()
    {
        using (Open()) Assert.Contains("is in use by another process", Refusal());
        Open().Dispose();
    }

    [Fact]
    public void A_refused_directory_is_not_left_locked()
    {
        Open().Dispose();
        Refusal(cluster: new ClusterId(0xC2));
        Open().Dispose();
    }

    [Fact]
    public async Task A_directory_in_use_by_another_process_is_refused_until_that_process_dies()
    {
        using var holder = Victim.Start(Victim.HoldDirectory, Path);
        Assert.Equal("held", await holder.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Contains("is in use by another process", Refusal());
        holder.Kill();
        await holder.WaitForExitAsync(TestContext.Current.CancellationToken);
        using var taken = Open();
        Assert.False(taken.IsNew);
    }

    [Fact]
    public void The_identity_can_be_read_by_people()
    {
        Open(() => 42).Dispose();
        Assert.StartsWith(
            "format 1\ncluster 00000000000000c1\naddress 10.0.0.2:8082\nincarnation 000000000000002a\ncheck ",
            Encoding.UTF8.GetString(File.ReadAllBytes(IdentityPath)));
    }

    public void Dispose() => _temporary.Dispose();

    private DataDirectory Open(Func<ulong>? newIncarnation = null) => DataDirectory.Open(Path, Cluster, Address, newIncarnation ?? (() => 7));

    private string Refusal(string? path = null, ClusterId? cluster = null, NodeAddress? address = null)
    {
        var refused = Assert.Throws<DataDirectoryRefusedException>(() => DataDirectory.Open(path ?? Path, cluster ?? Cluster, address ?? Address, () => 7));
        Assert.DoesNotContain('\n', refused.Message);
        return refused.Message;
    }
}
