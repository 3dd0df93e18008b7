using BenchmarkDotNet.Attributes;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;

namespace Kv.Micro;

/// <summary>The stored form of a record, and point reads and synced batches of the embedded engine.</summary>
[MemoryDiagnoser]
public class StorageBenchmarks
{
    private const int Keys = 100_000;
    private const int Group = 64;

    private readonly WriteRecord _record = Samples.Record("bench1000001");
    private readonly Key[] _keys = [.. Enumerable.Range(0, Keys).Select(i => new Key($"bench{1_000_000 + i}"))];
    private byte[] _row = [];
    private string _directory = "";
    private RocksDbStorage _storage = null!;
    private ulong _sequence;
    private int _next;

    [GlobalSetup]
    public async Task PrepareAsync()
    {
        _row = new byte[RecordCodec.Measure(_record)];
        RecordCodec.Encode(_record, _row);
        _directory = Directory.CreateTempSubdirectory("kv-micro").FullName;
        _storage = RocksDbStorage.Open(_directory, new());
        while (_sequence < Keys) await CommitGroup();
    }

    [GlobalCleanup]
    public async Task RemoveAsync()
    {
        await _storage.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark]
    public int Encode() => RecordCodec.Encode(_record, _row).Length;

    [Benchmark]
    public object Decode() => RecordCodec.Decode(_row, new RowName("data", default));

    [Benchmark]
    public object? ReadPresent() => _storage.Read(_keys[_next = (_next + 7919) % Keys]);

    /// <summary>One sync for 64 records.</summary>
    [Benchmark]
    public ValueTask CommitGroup()
    {
        var log = new WriteRecord[Group];
        var winners = new Dictionary<Key, WriteRecord>(Group);
        for (var i = 0; i < Group; i++)
        {
            _sequence++;
            var key = _keys[_sequence % Keys];
            winners[key] = log[i] = new(key, _record.Value, false, _record.Stamp, new(_record.Dot.Origin, _sequence), _record.Token);
        }

        return _storage.CommitAsync(new(log, winners, new(_record.Dot.Origin.Group, VersionVector.Of(log[^1].Dot), _record.Stamp, Keys)));
    }
}
