using System.Text;
using QRCoder;
using QRCoder.Exceptions;

namespace Gateway.Features.Peers;

/// <summary>Draws a config as a QR code, which WireGuard's apps read from a screen.</summary>
internal static class QrPictures
{
    // Level L: a screen has no scratches, and bigger squares are read more easily. Four squares of white around it are the standard's (ISO/IEC 18004).
    private const QRCodeGenerator.ECCLevel Level = QRCodeGenerator.ECCLevel.L;
    private const int PixelsPerSquare = 8;

    /// <summary>The picture; null where the text is longer than a QR code can be (2953 bytes).</summary>
    public static byte[]? Svg(string text) => Make(text) is { } code
        ? Encoding.UTF8.GetBytes(new SvgQRCode(code).GetGraphic(PixelsPerSquare, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute)) : null;

    /// <summary>The picture; null where the text is longer than a QR code can be.</summary>
    public static byte[]? Png(string text) => Make(text) is { } code ? new PngByteQRCode(code).GetGraphic(PixelsPerSquare) : null;

    private static QRCodeData? Make(string text)
    {
        try
        {
            return QRCodeGenerator.GenerateQrCode(Encoding.UTF8.GetBytes(text), Level);
        }
        catch (DataTooLongException)
        {
            return null;
        }
    }
}
