namespace Gateway.Web;

/// <summary>Headers on every answer: own assets only, in no frame, remembered by nobody.</summary>
internal static class SecurityHeaders
{
    // The dashboard has no inline script at all, so none needs a nonce. MudBlazor places popovers and draws charts with inline styles.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    // Swagger UI sets styles by script and shows pictures that its style sheet carries along.
    private const string ApiPagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static Task Add(HttpContext context, RequestDelegate next)
    {
        var isApiPage = context.Request.Path.StartsWithSegments("/swagger", StringComparison.Ordinal);
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = isApiPage ? ApiPagePolicy : Policy;
        headers.XContentTypeOptions = "nosniff";
        // Not no-referrer: with that a browser sends "Origin: null" along with a form (Fetch §3.2), and a passkey's origin is compared with it.
        headers["Referrer-Policy"] = "same-origin";
        if (context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal)) headers.CacheControl = "no-store";
        return next(context);
    }
}
