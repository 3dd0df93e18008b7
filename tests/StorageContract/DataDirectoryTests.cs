using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.StorageContract.Crash;
using Xunit;

namespace Kv.StorageContract;

public sealed class DataDirectoryTests : IDisposable
{
    private static readonly NodeAddress Address = NodeAddress.Parse("10.0.0.2:8082");
    private static readonly NodeAddress Other = NodeAddress.Parse("10.0.0.3:8082");
    private static readonly ClusterTopology Cluster = Genesis.Provisional([Address, Other], 1);
    private static readonly ClusterTopology Another = Genesis.Provisional([Address, Other], 2);

    private readonly TemporaryDirectory _temporary = new();

    private string Path => _temporary.Under("data");

    private string IdentityPath => System.IO.Path.Combine(Path, "identity");

    private string GenesisPath => System.IO.Path.Combine(Path, "genesis");

    [Fact]
    public void The_incarnation_is_made_once_and_never_zero()
    {
        var random = new Queue<ulong>([0, 0, 42, 43]);
        using (var made = Claimed(random.Dequeue))
        {
            Assert.Equal(new NodeIdentity(Cluster.Cluster, Address, new(42)), made.Owner);
            Assert.Equal(Path, made.Path);
        }

        using var found = Open();
        Assert.Equal(new Incarnation(42), found.Owner?.Incarnation);
        Assert.Equal(new Incarnation(42), found.Claim(Cluster, random.Dequeue).Incarnation);
        Assert.Single(random);
    }

    [Fact]
    public void A_directory_that_nobody_claimed_has_no_owner()
    {
        using (var made = Open()) Assert.Null(made.Owner);
        using var found = Open();
        Assert.Null(found.Owner);
        Assert.Null(found.Genesis);
    }

    [Fact]
    public void The_directory_of_a_removed_node_begins_anew_and_keeps_what_was_there()
    {
        var without = TopologyRules.Seal(Cluster, new Dictionary<NodeAddress, Incarnation> { [Other] = new(9) }, new(1));
        using (var removed = Claimed(() => 42))
        {
            Directory.CreateDirectory(removed.StorePath);
            File.WriteAllText(System.IO.Path.Combine(removed.StorePath, "data"), "kept");
            removed.MarkRemoved(without);
        }

        using (var successor = Open())
        {
            Assert.Null(successor.Owner);
            Assert.True(successor.IsUninvited);
            Assert.Equal(without.Digest, successor.Genesis?.Digest);
            Assert.False(Directory.Exists(successor.StorePath));
            Assert.Equal(new Incarnation(43), successor.Claim(Cluster, () => 43).Incarnation);
        }

        Assert.Equal("kept", File.ReadAllText(System.IO.Path.Combine(Path, "removed-000000000000002a", "store", "data")));
        using var again = Open();
        Assert.Equal(new Incarnation(43), again.Owner?.Incarnation);
        Assert.True(again.IsUninvited);
        Assert.Equal(without.Digest, again.Genesis?.Digest);
    }

    [Fact]
    public void Putting_a_removed_node_aside_goes_on_where_it_was_interrupted()
    {
        using (var removed = Claimed(() => 42))
        {
            Directory.CreateDirectory(removed.StorePath);
            removed.MarkRemoved(Cluster);
        }

        // As a crash leaves it after the first of the moves.
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "removed-000000000000002a"));
        File.Move(IdentityPath, System.IO.Path.Combine(Path, "removed-000000000000002a", "identity"));
        using var successor = Open();
        Assert.Null(successor.Owner);
        Assert.False(Directory.Exists(successor.StorePath));
    }

    [Fact]
    public void The_topology_that_the_owner_began_from_is_kept_and_told_without_naming_the_cluster()
    {
        var later = TopologyRules.Seal(Cluster, new Dictionary<NodeAddress, Incarnation> { [Other] = new(9) }, new(1));
        using (var made = Open())
        {
            made.Claim(later, () => 7);
            Assert.Equal(later.Digest, made.Genesis?.Digest);
        }

        using var found = Open();
        Assert.Equal(later.Digest, found.Genesis?.Digest);
        found.Claim(Cluster, () => 7);
        Assert.Equal(later.Digest, found.Genesis?.Digest);
    }

    [Fact]
    public void A_genesis_without_an_identity_is_that_of_a_claim_that_was_not_finished()
    {
        Claimed().Dispose();
        File.Delete(IdentityPath);
        using var found = Open();
        Assert.Null(found.Genesis);
        found.Claim(Another, () => 8);
        Assert.Equal(Another.Digest, found.Genesis?.Digest);
    }

    [Fact]
    public void An_identity_without_a_genesis_is_given_one_of_its_cluster()
    {
        Claimed().Dispose();
        File.Delete(GenesisPath);
        Assert.Contains("belongs to cluster", Refusal(cluster: Another));
        using (var found = Claimed()) Assert.Equal(Cluster.Digest, found.Genesis?.Digest);
        Assert.True(File.Exists(GenesisPath));
    }

    [Fact]
    public void A_genesis_that_is_damaged_or_of_another_cluster_is_refused()
    {
        Claimed().Dispose();
        var good = File.ReadAllText(GenesisPath);
        foreach (var bad in new[] { "", good[..^1], good + "\n", good[..20], good.Replace("member", "remember", StringComparison.Ordinal), TopologyText.Write(Another) })
        {
            File.WriteAllText(GenesisPath, bad);
            Assert.Contains("The genesis file of the data directory", Refusal());
        }
    }

    [Fact]
    public void Any_changed_byte_of_the_genesis_is_refused()
    {
        Claimed().Dispose();
        var good = File.ReadAllBytes(GenesisPath);
        for (var at = 0; at < good.Length; at++)
        {
            foreach (var flip in new byte[] { 0x01, 0x10, 0x80 })
            {
                var bad = (byte[])good.Clone();
                bad[at] ^= flip;
                File.WriteAllBytes(GenesisPath, bad);
                Assert.Contains("The genesis file of the data directory", Refusal());
            }
        }
    }

    [Fact]
    public void A_genesis_from_before_it_had_a_check_is_read()
    {
        Claimed().Dispose();
        File.WriteAllText(GenesisPath, TopologyText.Write(Cluster));
        using var found = Open();
        Assert.Equal(Cluster.Digest, found.Genesis?.Digest);
    }

    [Fact]
    public void Data_that_were_found_damaged_are_refused_until_they_are_put_aside_and_then_the_directory_begins_anew()
    {
        using (var used = Claimed(() => 42))
        {
            Directory.CreateDirectory(used.StorePath);
            File.WriteAllText(System.IO.Path.Combine(used.StorePath, "data"), "kept");
            Assert.Contains("is in use by another process", Assert.Throws<DataDirectoryRefusedException>(() => DataDirectory.PutAside(Path, "why", default)).Message);
            used.MarkDamaged("a row\nis wrong");
        }

        Assert.Contains("found damaged before", Refusal());
        Assert.Contains("a row is wrong", Refusal());
        var aside = DataDirectory.PutAside(Path, "why", new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        Assert.Equal(System.IO.Path.Combine(Path, "damaged-20260301T120000Z"), aside);
        Assert.Equal("kept", File.ReadAllText(System.IO.Path.Combine(aside!, "store", "data")));
        using (var fresh = Open())
        {
            Assert.True(fresh.IsToBeRebuilt);
            Assert.Null(fresh.Owner);
            Assert.False(Directory.Exists(fresh.StorePath));
            fresh.Claim(Cluster, () => 43);
            Assert.False(fresh.IsToBeRebuilt);
        }

        Assert.Equal(aside, DamagedData.FindAside(Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Putting_damaged_data_aside_goes_on_where_it_was_interrupted(int moved)
    {
        using (var used = Claimed(() => 42)) Directory.CreateDirectory(used.StorePath);
        // As a crash leaves it after some of the moves.
        DamagedData.Mark(Path, "why");
        var begun = Directory.CreateDirectory(System.IO.Path.Combine(Path, "damaged-20260101T000000Z")).FullName;
        foreach (var name in new[] { "store", "genesis" }.Take(moved)) Directory.Move(System.IO.Path.Combine(Path, name), System.IO.Path.Combine(begun, name));
        Assert.Contains("found damaged before", Refusal());
        Assert.Null(DamagedData.FindAside(Path));
        Assert.Equal(begun, DataDirectory.PutAside(Path, "again", new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)));
        Assert.Equal(["damaged", "genesis", "identity", "store"], Directory.GetFileSystemEntries(begun).Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal));
        using var fresh = Open();
        Assert.True(fresh.IsToBeRebuilt);
    }

    [Fact]
    public void There_is_nothing_to_put_aside_in_a_directory_without_data()
    {
        Assert.Null(DataDirectory.PutAside(Path, "why", default));
        Open().Dispose();
        Assert.Null(DataDirectory.PutAside(Path, "why", default));
    }

    [Fact]
    public void The_mark_of_a_removed_node_that_cannot_be_read_is_refused_and_nothing_is_moved()
    {
        Claimed().Dispose();
        foreach (var bad in new[] { "", "../elsewhere\n", "2a", "000000000000002a\nrubbish" })
        {
            File.WriteAllText(System.IO.Path.Combine(Path, "removed"), bad);
            Assert.Contains("that of a removed node, and damaged", Refusal());
            Assert.True(File.Exists(IdentityPath));
        }
    }

    [Fact]
    public void An_identity_that_was_not_finished_is_made_anew()
    {
        Directory.CreateDirectory(Path);
        File.WriteAllText(IdentityPath + ".new", "format 2\ncluster 00");
        using var made = Open();
        Assert.Null(made.Owner);
        Assert.Equal(new Incarnation(7), made.Claim(Cluster, () => 7).Incarnation);
    }

    [Fact]
    public void A_directory_of_another_cluster_is_refused()
    {
        Claimed().Dispose();
        Assert.Contains($"belongs to cluster {Cluster.Cluster}, and this node to cluster {Another.Cluster}", Refusal(cluster: Another));
    }

    [Fact]
    public void A_copied_directory_is_refused()
    {
        Claimed().Dispose();
        Assert.Contains("made for the node at 10.0.0.2:8082, and this node is at 10.0.0.3:8082: it looks copied", Refusal(address: Other));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Another_format_is_refused_whatever_else_the_file_says(int format)
    {
        Directory.CreateDirectory(Path);
        File.WriteAllText(IdentityPath, $"format {format}\nsomething else\n");
        Assert.Contains($"has format {format}, and this build knows format 2: start it with the build that made it.", Refusal());
        // It is left as it is, for that build.
        Assert.Equal($"format {format}\nsomething else\n", File.ReadAllText(IdentityPath));
        Assert.False(File.Exists(GenesisPath));
    }

    [Fact]
    public void Any_changed_byte_of_the_identity_is_refused()
    {
        Claimed().Dispose();
        var good = File.ReadAllBytes(IdentityPath);
        for (var at = 0; at < good.Length; at++)
        {
            foreach (var flip in new byte[] { 0x01, 0x10, 0x80 })
            {
                var bad = (byte[])good.Clone();
                bad[at] ^= flip;
                File.WriteAllBytes(IdentityPath, bad);
                // A changed format number is rightly reported as another format.
                Assert.Matches("is damaged|has format", Refusal());
            }

            File.WriteAllBytes(IdentityPath, good[..at]);
            Assert.Contains("is damaged", Refusal());
        }
    }

    [Fact]
    public void Data_without_an_identity_is_refused()
    {
        using (var made = Claimed()) Directory.CreateDirectory(made.StorePath);
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
        Claimed().Dispose();
        Refusal(address: Other);
        Claimed().Dispose();
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
        Assert.Equal(new Incarnation(7), taken.Owner?.Incarnation);
    }

    [Fact]
    public void The_identity_can_be_read_by_people()
    {
        Claimed(() => 42).Dispose();
        Assert.StartsWith(
            $"format 2\ncluster {Cluster.Cluster}\naddress 10.0.0.2:8082\nincarnation 000000000000002a\ncheck ",
            Encoding.UTF8.GetString(File.ReadAllBytes(IdentityPath)));
    }

    public void Dispose() => _temporary.Dispose();

    private DataDirectory Open() => DataDirectory.Open(Path, Address);

    private DataDirectory Claimed(Func<ulong>? newIncarnation = null)
    {
        var directory = Open();
        directory.Claim(Cluster, newIncarnation ?? (() => 7));
        return directory;
    }

    private string Refusal(string? path = null, ClusterTopology? cluster = null, NodeAddress? address = null)
    {
        var refused = Assert.ThrowsAny<Exception>(() =>
        {
            using var directory = DataDirectory.Open(path ?? Path, address ?? Address);
            directory.Claim(cluster ?? Cluster, () => 7);
        });
        Assert.True(refused is DataDirectoryRefusedException or StorageDamagedException, refused.ToString());
        Assert.DoesNotContain('\n', refused.Message);
        return refused.Message;
    }
}
