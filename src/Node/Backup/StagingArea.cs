using Kv.Common.Backup;
using Kv.Node.Storage;

namespace Kv.Node.Backup;

/// <summary>Where a backup is kept from its first byte until all of it was checked and written: on disk, because it may be larger than memory.</summary>
internal sealed class StagingArea(BackupOptions options, StorageOptions storage, string? dataDirectory)
{
    private const string Extension = ".run";

    private string Directory { get; } = options.StagingDirectory is { Length: > 0 } given ? given : Path.Combine(dataDirectory ?? Path.Combine(Path.GetTempPath(), $"kv-{Environment.ProcessId}"), "staging");

    /// <summary>
    /// An empty stage for a file of so many bytes, if that was said; what an earlier one left that did not come to its end goes. Null when the disk has no room for it, or cannot be written.
    /// </summary>
    public Stage? TryBegin(long? length)
    {
        try
        {
            System.IO.Directory.CreateDirectory(Directory);
            foreach (var left in System.IO.Directory.EnumerateFiles(Directory, "*" + Extension)) File.Delete(left);
            return HasRoomFor(length ?? 0) ? new(this) : null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // As much as clients' writes need stays free.
    private bool HasRoomFor(long bytes) => new DriveInfo(Path.GetFullPath(Directory)).AvailableFreeSpace - bytes >= storage.MinFreeBytes;

    /// <summary>What was staged: taken in in any order, given out in that of the stamps, which is one in which every cause comes before its effects. What fits into one sort stays in memory.</summary>
    internal sealed class Stage(StagingArea area) : IDisposable
    {
        private readonly List<RunFile> _runs = [];
        private List<BackupEntry> _last = [];
        private long _bytes;

        /// <summary>False when the disk has no room for more.</summary>
        public bool TryAdd(BackupEntry entry)
        {
            _last.Add(entry);
            _bytes += entry.Size;
            if (_bytes < area.SortBytes) return true;
            try
            {
                if (!area.HasRoomFor(_bytes)) return false;
                _runs.Add(new(Path.Combine(area.Directory, $"{_runs.Count}{Extension}"), Sort(_last)));
                (_last, _bytes) = ([], 0);
                return true;
            }
            catch (Exception full) when (full is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }

        /// <summary>Everything that was added; once.</summary>
        public IEnumerable<BackupEntry> Read()
        {
            var runs = _runs.Select(run => run.Read()).Append(Sort(_last)).Select(entries => entries.GetEnumerator()).ToList();
            try
            {
                var heads = new PriorityQueue<IEnumerator<BackupEntry>, ulong>();
                foreach (var run in runs) Advance(heads, run);
                while (heads.TryDequeue(out var run, out _))
                {
                    yield return run.Current;
                    Advance(heads, run);
                }
            }
            finally
            {
                foreach (var run in runs) run.Dispose();
            }
        }

        public void Dispose()
        {
            foreach (var run in _runs) run.Dispose();
        }

        private static void Advance(PriorityQueue<IEnumerator<BackupEntry>, ulong> heads, IEnumerator<BackupEntry> run)
        {
            if (run.MoveNext()) heads.Enqueue(run, run.Current.Stamp.Packed);
        }

        private static List<BackupEntry> Sort(List<BackupEntry> entries)
        {
            entries.Sort((one, other) => one.Stamp.CompareTo(other.Stamp));
            return entries;
        }
    }

    private int SortBytes => options.SortBytes;
}
