using System.Net.Sockets;
using System.Text;

namespace Kv.Node.Tests.Rest;

/// <summary>A connection on which a test writes HTTP by hand.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private NetworkStream? _stream;

    private NetworkStream Stream => _stream ??= new(_socket);

    /// <param name="port">The node's.</param>
    /// <param name="receiveBuffer">How many bytes the connection holds that the test has not read, if not as many as is usual.</param>
    public static async Task<RawConnection> OpenAsync(int port, int? receiveBuffer = null)
    {
        var connection = new RawConnection();
        if (receiveBuffer is { } bytes) connection._socket.ReceiveBufferSize = bytes;
        await connection._socket.ConnectAsync("127.0.0.1", port);
        return connection;
    }

    /// <summary>Sends this and reads what comes until the node closes the connection.</summary>
    public static async Task<string> ExchangeAsync(int port, string request)
    {
        using var connection = await OpenAsync(port);
        await connection.SendAsync(request);
        return await connection.ReadToEndAsync();
    }

    public async Task SendAsync(string text) => await Stream.WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>True when there is something to be read, or nothing will come any more.</summary>
    public bool HasSomething => _socket.Poll(0, SelectMode.SelectRead);

    /// <summary>True when the node has closed or reset the connection, and nothing is left to be read.</summary>
    public bool IsEnded
    {
        get
        {
            try
            {
                return _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    public async Task<string> ReadToEndAsync()
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var read = new MemoryStream();
        await Stream.CopyToAsync(read, bound.Token);
        return Encoding.UTF8.GetString(read.ToArray());
    }

    /// <summary>The same; nothing when the node resets the connection.</summary>
    public async Task<string> TryReadToEndAsync()
    {
        try
        {
            return await ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Reads one answer that has a Content-Length.</summary>
    public async Task<string> ReadOneAsync()
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var read = new StringBuilder();
        var one = new byte[1];
        while (!read.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await Stream.ReadExactlyAsync(one, bound.Token);
            read.Append((char)one[0]);
        }

        var length = read.ToString().Split("\r\n").First(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Split(':')[1];
        var body = new byte[int.Parse(length, null)];
        await Stream.ReadExactlyAsync(body, bound.Token);
        return read.Append(Encoding.UTF8.GetString(body)).ToString();
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _socket.Dispose();
    }
}
