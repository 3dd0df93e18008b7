using System.Text;

namespace Kv.Node.Security;

/// <summary>Reads small text files that an operator names.</summary>
internal static class SecretFile
{
    // A bundle of authorities is the largest there is. A wrong path must not read a disk into memory.
    private const int MaxBytes = 4 << 20;

    /// <summary>The text; throws <see cref="UnusableFileException"/> that begins with <paramref name="setting"/>.</summary>
    public static string Read(string setting, string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes) throw new UnusableFileException($"{setting}: {path} is larger than {MaxBytes} bytes.");
            return Encoding.UTF8.GetString(bytes, 0, length);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UnusableFileException($"{setting}: {path} cannot be read: {unreadable.Message}");
        }
    }
}
