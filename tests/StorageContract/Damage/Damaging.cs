namespace Kv.StorageContract.Damage;

/// <summary>One way of damaging a file, as disks, file systems and people do it.</summary>
internal enum Damaging
{
    FlippedBit,
    FlippedBits,
    Zeroed,
    Garbage,
    Misplaced,
    Truncated,
    Emptied,
    Lengthened,
    Removed,
}

internal static class DamagingFiles
{
    private const int MostBytes = 4096;

    /// <summary>Damages the file, and says how. What it leaves differs from what was there.</summary>
    public static string Damage(string file, Damaging how, Random random)
    {
        var content = File.ReadAllBytes(file);
        var length = content.Length;
        var at = length == 0 ? 0 : random.Next(length);
        var count = length == 0 ? 0 : Math.Min(length - at, random.Next(1, random.Next(2) == 0 ? 16 : MostBytes));
        var before = (byte[])content.Clone();
        switch (how)
        {
            case Damaging.Removed:
                File.Delete(file);
                return "removed";
            case Damaging.FlippedBit when length > 0:
                content[at] ^= (byte)(1 << random.Next(8));
                break;
            case Damaging.FlippedBits when length > 0:
                for (var flip = 0; flip < 5; flip++) content[random.Next(length)] ^= (byte)(1 << random.Next(8));
                break;
            case Damaging.Zeroed:
                content.AsSpan(at, count).Clear();
                break;
            case Damaging.Misplaced when length > 1:
                // A part that belongs elsewhere in the same file.
                before.AsSpan(random.Next(length - count + 1), count).CopyTo(content.AsSpan(at));
                break;
            case Damaging.Truncated:
                content = content[..at];
                break;
            case Damaging.Emptied:
                content = [];
                break;
            case Damaging.Lengthened:
                content = [.. content, .. Garbage(random, random.Next(1, MostBytes))];
                break;
            default:
                Garbage(random, count).CopyTo(content.AsSpan(at));
                break;
        }

        if (content.AsSpan().SequenceEqual(before)) content = [.. content, 0];
        File.WriteAllBytes(file, content);
        return $"{how} at {at}, {count} of {length} bytes";
    }

    private static byte[] Garbage(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
