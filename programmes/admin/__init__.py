from programmes.admin import assessments, files, initiatives, page_content, stories, synonyms

__all__ = ["assessments", "files", "initiatives", "page_content", "stories", "synonyms"]
