using System.Buffers.Binary;
using Kv.Common.Backup;
using Kv.Common.Identity;

namespace Kv.Node.Backup;

/// <summary>A part of what is to be restored, in the order of the stamps, in a file that goes with its use, however that ends short of a crash.</summary>
internal sealed class RunFile : IDisposable
{
    private const int BufferBytes = 64 << 10;
    private const int HeaderLength = 16;

    private readonly FileStream _file;
    private readonly byte[] _header = new byte[HeaderLength];

    public RunFile(string path, IEnumerable<BackupEntry> entries)
    {
        _file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = BufferBytes, Options = FileOptions.DeleteOnClose });
        try
        {
            foreach (var entry in entries) Write(entry);
            _file.Flush();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>What is in it; for one reader, once. Throws <see cref="RestoreBrokenOffException"/> when the disk does not give it back.</summary>
    public IEnumerable<BackupEntry> Read()
    {
        _file.Position = 0;
        while (Next() is { } entry) yield return entry;
    }

    public void Dispose() => _file.Dispose();

    private BackupEntry? Next()
    {
        try
        {
            if (_file.ReadAtLeast(_header, HeaderLength, throwOnEndOfStream: false) < HeaderLength) return null;
            var stamp = BinaryPrimitives.ReadUInt64BigEndian(_header);
            var key = new byte[BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(8))];
            var value = new byte[BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(12))];
            _file.ReadExactly(key);
            _file.ReadExactly(value);
            return new(new Key(key), value, new(stamp));
        }
        catch (IOException failed)
        {
            throw new RestoreBrokenOffException($"What was staged cannot be read: {failed.Message}", isDiskFull: false);
        }
    }

    private void Write(BackupEntry entry)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_header, entry.Stamp.Packed);
        BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(8), entry.Key.Utf8.Length);
        BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(12), entry.Value.Length);
        _file.Write(_header);
        _file.Write(entry.Key.Utf8.Span);
        _file.Write(entry.Value.Span);
    }
}
